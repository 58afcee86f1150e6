/** How Step-CA says no: the status decides the sentence, and only some sentences have the reason in them. */
import { type ApiResponse, json } from "../api-server.ts";

export class Refusal extends Error {
  readonly status: number;

  /** @param reason for a 401 it goes to the CA's log alone */
  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

const seeLogs = "Please see the certificate authority logs for more info.";

/** Step-CA's texts (certificates v0.30 errs/errors.go). */
export function refused({ status, message }: Refusal): ApiResponse {
  const sentences: Readonly<Record<number, string>> = {
    400: `The request could not be completed: ${message}.`,
    401: `The request lacked necessary authorization to be completed. ${seeLogs}`,
    403: `The request was forbidden by the certificate authority: ${message}.`,
    404: `The requested resource could not be found. ${seeLogs}`,
    501: `The requested method is not implemented by the certificate authority. ${seeLogs}`,
  };
  const sentence =
    sentences[status] ?? `The certificate authority encountered an Internal Server Error. ${seeLogs}`;
  return json(status, { status, message: sentence });
}
