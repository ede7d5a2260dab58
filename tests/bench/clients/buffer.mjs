// Node's Buffer for a page: Lodestar's own bundle brings the same.

export { Buffer } from "buffer/";
