/** The first words of a TLS client: the name it asks for, read before anything is answered (RFC 8446 4.1.2, RFC 6066 3). */
import type { Socket } from "node:net";

/** A fatal alert `unrecognized_name` (112): what Nginx says to names that it rejects. */
export const unrecognizedName = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]);

/** More than any ClientHello, in bytes. */
const helloLimit = 64 * 1024;

/** The server name of a connection's ClientHello, "" for none. What was read is given back to the socket. */
export function readHello(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onClose = (): void => reject(new Error("closed before a handshake"));
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const name = serverNameOf(received);
      if (name === undefined && received.length < helloLimit) return;
      socket.off("data", onData);
      socket.off("close", onClose);
      socket.pause();
      socket.unshift(received);
      resolve(name ?? "");
    };
    socket.on("data", onData);
    socket.once("close", onClose);
  });
}

/** @returns undefined while the message is not complete; "" without a name or when it is no ClientHello */
export function serverNameOf(bytes: Buffer): string | undefined {
  if (bytes.length < 5) return undefined;
  if (bytes[0] !== 0x16) return "";
  let hello = Buffer.alloc(0);
  // A long hello comes in several records.
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length < at + 5) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (bytes.length < at + 5 + length) return undefined;
    hello = Buffer.concat([hello, bytes.subarray(at + 5, at + 5 + length)]);
    at += 5 + length;
    if (hello.length >= 4 && hello.length >= 4 + hello.readUIntBE(1, 3)) break;
  }
  if (hello.length < 4 || hello.length < 4 + hello.readUIntBE(1, 3)) return undefined;
  return hello[0] === 1 ? nameIn(hello.subarray(4)) : "";
}

function nameIn(hello: Buffer): string {
  try {
    let at = 34;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    const end = at + 2 + hello.readUInt16BE(at);
    at += 2;
    while (at + 4 <= end) {
      const type = hello.readUInt16BE(at);
      const length = hello.readUInt16BE(at + 2);
      if (type === 0) {
        const size = hello.readUInt16BE(at + 7);
        return hello
          .subarray(at + 9, at + 9 + size)
          .toString("ascii")
          .toLowerCase();
      }
      at += 4 + length;
    }
    return "";
  } catch {
    return "";
  }
}
