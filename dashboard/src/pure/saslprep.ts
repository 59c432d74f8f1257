// Names and passwords as SCRAM wants them, so that the same text is the same octets whatever keyboard it came from.
//
// What SASLprep prohibits is not looked for: the router has taken no name or password that holds any of it.
//
// Sources: RFC 4013, section 2; RFC 3454, tables B.1 and C.1.2.

const NOTHING = /[\u00AD\u034F\u1806\u180B-\u180D\u200B-\u200D\u2060\uFE00-\uFE0F\uFEFF]/g;
const SPACES = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g;

export function saslprep(text: string): string {
  return text.replace(NOTHING, "").replace(SPACES, " ").normalize("NFKC");
}
