// Answers with the greeting of its environment; /up says that it is healthy.
import { createServer } from "node:http";

const { PORT, COMMIT, GREETING } = process.env;
createServer((request, response) => {
  if (request.url === "/up") response.end("up\n");
  else response.end(`${GREETING}, this is ${COMMIT.slice(0, 7)}\n`);
}).listen(PORT);
