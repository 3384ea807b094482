/** The real git, apart from the user's settings, with the hub's password as a user would type it. */
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cleanEnv, type Finished } from "./cli.js";
import { secret } from "./cluster.js";

export class WorkTree {
  readonly folder: string;
  readonly #askPass: string;

  private constructor(folder: string, askPass: string) {
    this.folder = folder;
    this.#askPass = askPass;
  }

  /** A new repository in `folder`; git is answered `git` and `password` when it asks. */
  static async create(folder: string, password = secret): Promise<WorkTree> {
    await mkdir(folder, { recursive: true });
    const askPass = `${folder}.askpass`;
    const script = `#!/bin/sh\ncase "$1" in Username*) echo git;; *) echo '${password}';; esac\n`;
    await writeFile(askPass, script);
    await chmod(askPass, 0o755);
    const tree = new WorkTree(folder, askPass);
    await tree.git("init", "--quiet", "--initial-branch=master");
    return tree;
  }

  async copyFrom(source: string): Promise<void> {
    await cp(source, this.folder, { recursive: true });
  }

  async write(path: string, content: string): Promise<void> {
    await writeFile(join(this.folder, path), content);
  }

  /** Commits everything; the full hash. */
  async commit(message: string): Promise<string> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.git("rev-parse", "HEAD");
  }

  /** Runs git; its output. Fails with what git said. */
  async git(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tryGit(...args);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  async tryGit(...args: readonly string[]): Promise<Finished> {
    const result = await execa("git", args, {
      cwd: this.folder,
      extendEnv: false,
      reject: false,
      timeout: 120_000,
      stdin: "ignore",
      env: cleanEnv({
        GIT_ASKPASS: this.#askPass,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "Ada",
        GIT_AUTHOR_EMAIL: "ada@example.com",
        GIT_COMMITTER_NAME: "Ada",
        GIT_COMMITTER_EMAIL: "ada@example.com",
      }),
    });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }
}
