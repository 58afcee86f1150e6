/** The command line refuses a stack: its words go to standard error. */
export class StackError extends Error {}
