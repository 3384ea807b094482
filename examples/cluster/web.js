// Greets, and asks the `say` service of its own commit for everything else.
import { createServer } from "node:http";
import { announce, find } from "./registry.js";

const greeting = "beep boop";

const server = createServer(async (request, response) => {
  if (request.url === "/") return response.end(greeting);
  try {
    const say = await find("say");
    const answer = await fetch(`${say}${request.url}`);
    response.end(await answer.text());
  } catch (error) {
    response.statusCode = 502;
    response.end(`nobody says anything: ${error.message}`);
  }
});

server.listen(process.env.PORT, () => announce("http"));
