/** What ssh said when it could not connect, as an error that says what to do. */
import { PropagitError } from "@propagit/protocol";

/** @param said all that ssh told on standard error */
export function sshRefusal(host: string, said: string): PropagitError {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) return changedKey(host);
  if (/Host key verification failed|no .*host key is known/i.test(said)) return unknownKey(host);
  if (/Session open refused|session request failed/i.test(said)) return noSession(host);
  const denied = lines.find((line) => /Permission denied|Too many authentication/i.test(line));
  if (denied !== undefined) return noLogin(host, denied);
  const why = lines.at(-1) ?? "ssh ended without a word";
  return new PropagitError("HOST_LOST", `${host} cannot be reached: ${why.slice(0, 300)}`, {
    hint: `see whether this works: ssh ${host} true`,
  });
}

function changedKey(host: string): PropagitError {
  const message = `${host} shows another host key than the one in known_hosts: it was made anew, or somebody is in between`;
  return new PropagitError("HOST_DENIED", message, {
    hint: `ask who keeps it; if it was made anew: ssh-keygen -R ${nameOf(host)}, then ssh ${host} true`,
  });
}

function unknownKey(host: string): PropagitError {
  const message = `the host key of ${host} is not in known_hosts, so nobody can tell whether it is that host`;
  return new PropagitError("HOST_DENIED", message, {
    hint: `look at the key and accept it, as the user that runs this: ssh ${host} true`,
  });
}

function noSession(host: string): PropagitError {
  const message = `${host} refuses another session on a connection that is there`;
  return new PropagitError("HOST_LOST", message, {
    hint: "let MaxSessions in its sshd_config be 10, as it is unless told otherwise",
  });
}

function noLogin(host: string, line: string): PropagitError {
  const why = line.slice(0, 300).replace(/\.$/, "");
  return new PropagitError("HOST_DENIED", `${host} does not let us in: ${why}`, {
    hint: `give it a key that asks for nothing: ssh-copy-id ${host}; and see: ssh -o BatchMode=yes ${host} true`,
  });
}

function nameOf(host: string): string {
  return host.slice(host.indexOf("@") + 1);
}
