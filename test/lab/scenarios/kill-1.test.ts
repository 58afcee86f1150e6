/** `kill -9` before, in the middle of and after each effect of a full sync: the next sync goes on from whatever is there. */
import { killShare } from "./kill-share.ts";

killShare(1, 2);
