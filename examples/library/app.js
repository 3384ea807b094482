import { createServer } from "node:http";

const [, , version = "?"] = process.argv;

createServer((request, response) => {
  response.end(`${version} ${request.url}\n`);
}).listen(Number(process.env.PORT));
