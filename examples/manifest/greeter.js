// Listens on two ports: the first is PORT, the others are called by their names.
import { createServer } from "node:http";

const { PORT, PORT_ADMIN } = process.env;
createServer((request, response) => response.end("greeter\n")).listen(PORT);
createServer((request, response) => response.end("admin\n")).listen(PORT_ADMIN);
