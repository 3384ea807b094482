// Answers on the port it is given.
import { createServer } from "node:http";

const { PORT, COMMIT } = process.env;
createServer((request, response) => {
  response.end(`web of ${COMMIT}\n`);
}).listen(PORT);
