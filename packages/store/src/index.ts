export { openMemoryStore } from "./memory-store.js";
export * from "./store.js";
export { openSqliteStore } from "./system/sqlite-store.js";
export { updateEntry, updateTriesMax } from "./update-entry.js";
