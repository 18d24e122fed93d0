// Numbers and names as text. No React.

// How many of something: "1 subtask", "2 subtasks".
export const count = (number, one, more = `${one}s`) => `${number} ${number === 1 ? one : more}`;

// Control characters, those without a width, those that change the direction of a text; spaces at the ends. Not the two
// that join letters and emoji: languages need them.
const UNSEEN = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|^\s+|\s+$/gu;
const escaped = (text) => [...text].map((one) => (one === " " ? "␣" : `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`)).join("");

// A name with what cannot be seen escaped: else two names look the same, and one is read from its end.
export const visible = (name) => name.replaceAll(UNSEEN, escaped);
