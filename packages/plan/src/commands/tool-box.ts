/** All that a plan may use without a project's own. */
import { assert } from "@propagit/protocol";
import type { Command, Commands } from "../command.js";
import { archive } from "./archive.js";
import { checkout } from "./checkout.js";
import { checkService } from "./check-service.js";
import { cleanup } from "./cleanup.js";
import { copy } from "./copy.js";
import { createDirectory } from "./create-directory.js";
import { delegateWith } from "./delegate.js";
import { distribute } from "./distribute.js";
import { drain } from "./drain.js";
import { disableService, enableService } from "./enable-service.js";
import { execute } from "./execute.js";
import { listDirectory } from "./list-directory.js";
import { message } from "./message.js";
import { move } from "./move.js";
import { notify } from "./notify.js";
import { putFiles } from "./put-files.js";
import { reloadService } from "./reload-service.js";
import { remove } from "./remove.js";
import { restartService } from "./restart-service.js";
import { sendMetrics } from "./send-metrics.js";
import { startService } from "./start-service.js";
import { stopService } from "./stop-service.js";
import { symlink } from "./symlink.js";
import { undrain } from "./undrain.js";
import { unpack } from "./unpack.js";
import { put, upload } from "./upload.js";
import { waitHttp } from "./wait-http.js";
import { writeFile } from "./write-file.js";

/** In the order of their page: what is done to files, to services, to visitors, and to let people know. */
const all: readonly Command[] = [
  execute,
  upload,
  put,
  unpack,
  createDirectory,
  copy,
  move,
  writeFile,
  symlink,
  remove,
  cleanup,
  archive,
  listDirectory,
  distribute,
  checkout,
  putFiles,
  delegateWith(() => toolBox),
  checkService,
  startService,
  stopService,
  restartService,
  reloadService,
  enableService,
  disableService,
  drain,
  undrain,
  waitHttp,
  notify,
  sendMetrics,
  message,
];

export const toolBox: Commands = mapOf(all);

function mapOf(commands: readonly Command[]): Commands {
  const byName = new Map(commands.map((command) => [command.name, command] as const));
  assert(byName.size === commands.length, "each command has a name of its own");
  return byName;
}
