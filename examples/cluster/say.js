// Says things: GET /HUG answers HUG ALL HUMANS.
import { createServer } from "node:http";
import { announce } from "./registry.js";

const server = createServer((request, response) => {
  response.end(`${request.url.slice(1)} ALL HUMANS`);
});

server.listen(process.env.PORT, () => announce("say"));
