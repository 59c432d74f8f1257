// Characters that are not seen, but change what is: controls, marks and overrides of direction, invisible ones. What comes
// from clients may hold them to look like something else, so they are written as JSON would escape them.
//
// Joiners (U+200C, U+200D) stay: scripts and emoji need them, and they turn nothing round.
//
// Sources: Unicode Standard Annex #9, 2.1 to 2.4; Unicode Technical Report #36, 2.

const UNSEEN = /[\0-\t\v-\x1F\x7F-\x9F\xAD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|\p{Surrogate}/gu;

/** The text with what cannot be seen in it escaped; lines stay lines. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => found.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
}
