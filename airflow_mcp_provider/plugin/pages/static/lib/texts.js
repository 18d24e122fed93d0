// Numbers as text. No React.

// How many of something: "1 subtask", "2 subtasks".
export const count = (number, one, more = `${one}s`) => `${number} ${number === 1 ? one : more}`;
