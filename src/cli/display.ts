/** Shows a run in progress: a live view on a terminal, plain lines elsewhere, events as JSON with `--output ndjson`. */
import { createLogUpdate } from "log-update";
import type { Event } from "../event.ts";
import type { Site } from "../model.ts";
import { documentText, eventDocument } from "../render/json.ts";
import { liveLines } from "../render/live.ts";
import { heartbeatLines, heartbeatMs, plainLine } from "../render/plain.ts";
import { advance, noProgress, type Progress } from "../render/progress.ts";
import type { GlobalOptions } from "./options.ts";
import { viewOf } from "./output.ts";
import type { Terminal } from "./terminal.ts";

export interface Display {
  emit(event: Event): void;
  /** Writes one line that stays on the screen. */
  say(line: string): void;
  /** Stops drawing, at the end or for a question; the next event starts it again. */
  pause(): void;
}

/** Milliseconds between two drawings: often enough to look alive, seldom enough for a slow connection. */
const drawMs = 120;

export function openDisplay(terminal: Terminal, options: GlobalOptions, site: Site | undefined): Display {
  const display = visibleDisplay(terminal, options, site);
  return {
    ...display,
    emit: (event) => {
      const shown = terminal.redact(event);
      if (options.output === "ndjson")
        terminal.print(documentText(eventDocument(shown, Date.now()), "ndjson"));
      display.emit(shown);
    },
    say: (line) => display.say(terminal.redact(line)),
  };
}

function visibleDisplay(terminal: Terminal, options: GlobalOptions, site: Site | undefined): Display {
  const say = (line: string): void => terminal.stderr.write(`${line}\n`);
  if (options.quiet || options.output === "ndjson") return { emit: () => {}, say, pause: () => {} };
  const isLive = terminal.stderr.tty && terminal.env.TERM !== "dumb" && !options.verbose;
  return isLive ? liveDisplay(terminal, options, site) : plainDisplay(terminal, options, site);
}

function liveDisplay(terminal: Terminal, options: GlobalOptions, site: Site | undefined): Display {
  const { stderr, stdout } = terminal;
  const view = { ...viewOf(stderr, terminal, options, site), full: false };
  // log-update wants a stream, of which it uses only what standard error has.
  const stream: NodeJS.WritableStream = Object.create(stderr, { isTTY: { value: true } });
  const log = createLogUpdate(stream, { showCursor: true });
  let progress: Progress = noProgress;
  let timer: NodeJS.Timeout | undefined;
  let drawn = false;
  const draw = (): void => {
    drawn = true;
    const width = stderr.columns ?? 80;
    log(liveLines(progress, Date.now(), { ...view, width }).join("\n"));
  };
  return {
    emit: (event) => {
      progress = advance(progress, event, Date.now());
      timer ??= setInterval(draw, drawMs).unref();
    },
    say: (line) => log.persist(line),
    pause: () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      // On the same screen the result replaces the live view; if the result goes elsewhere, the view stays.
      if (!stdout.tty || options.output !== "text") draw();
      else if (drawn) log.clear();
      log.done();
      drawn = false;
    },
  };
}

function plainDisplay(terminal: Terminal, options: GlobalOptions, site: Site | undefined): Display {
  const view = viewOf(terminal.stderr, terminal, options, site);
  const say = (line: string): void => terminal.stderr.write(`${line}\n`);
  let progress: Progress = noProgress;
  let command = "";
  let timer: NodeJS.Timeout | undefined;
  const beat = (): void => {
    for (const line of heartbeatLines(progress, Date.now())) say(line);
  };
  return {
    emit: (event) => {
      timer ??= setInterval(beat, heartbeatMs).unref();
      if (event.type === "run-started") command = event.command;
      progress = advance(progress, event, Date.now());
      // Planning only reads: of its events, only waits and notes get a line.
      if (command === "plan" && event.type !== "waiting" && event.type !== "note") return;
      const line = plainLine(event, progress, view);
      if (line !== undefined) say(line);
    },
    say,
    pause: () => {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
