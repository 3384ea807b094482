/**
 * What the hub has been told about instances on the present connection, so that each change is told once
 * and what changed while a join was on its way is not forgotten.
 */
import type { InstanceReport, Telling } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";

type Step = Telling<"hub.instance">["step"];

export class HubReports {
  #conversation: Conversation | undefined;
  /** The last report of each process, as text. */
  #told = new Map<string, string>();

  get isJoined(): boolean {
    return this.#conversation !== undefined;
  }

  /** The hub has believed these reports; from now on changes are told. */
  joined(conversation: Conversation, instances: readonly InstanceReport[]): void {
    this.#conversation = conversation;
    this.#told = new Map(instances.map((report) => [report.process, JSON.stringify(report)]));
  }

  lost(): void {
    this.#conversation = undefined;
  }

  say(instance: InstanceReport, step?: Step): void {
    if (!this.#conversation) return;
    const text = JSON.stringify(instance);
    if (step === undefined && this.#told.get(instance.process) === text) return;
    this.#told.set(instance.process, text);
    this.#conversation.tell("hub.instance", { instance, ...(step && { step }) });
  }

  gone(process: string): void {
    if (this.#told.delete(process)) this.#conversation?.tell("hub.instance-gone", { process });
  }

  /** Those that ended while the join was on its way. */
  forgetOthers(living: readonly string[]): void {
    for (const process of this.#told.keys()) if (!living.includes(process)) this.gone(process);
  }
}
