export * from "./plan.js";
export * from "./run-event.js";
export * from "./world.js";
export * from "./command.js";
export { argsOf } from "./core/task-args.js";
export { commonKeys, whyNoCommand } from "./core/task-shape.js";
export {
  checkPlan,
  readPlan,
  type CheckedPlan,
  type PlanDraft,
  type PlanReading,
  type PlanText,
} from "./core/read-plan.js";
export { dronesNamed, type SelectDrones, type Selected } from "./core/drone-selections.js";
export type { TaskChoice } from "./core/task-choice.js";
export { asksOurBalancer } from "./commands/kit/balance.js";
export { filesIn } from "./core/plan-files.js";
export { placedProblem } from "./core/plan-positions.js";
export {
  writePlan,
  type WrittenGate,
  type WrittenPlan,
  type WrittenStage,
} from "./core/write-plan.js";
export { planHash } from "./system/plan-hash.js";
export { flatParts, partOf, partsOf, runOfPart, type PlanPart } from "./system/plan-parts.js";
export { planSchema } from "./json-schema.js";
export * from "./core/announce.js";
export * from "./core/past-durations.js";
export * from "./core/timeline.js";
export { askedAfter, nothingAsked, type AskedSoFar } from "./core/asked-so-far.js";
export { endOfCommand, endOfPart, toldSummary } from "./core/told.js";
export { followRun, type RunTelling } from "./follow-run.js";
export { refusalOf, type AskRefusal } from "./core/asks.js";
export { batchMax } from "./core/event-batch.js";
export { hasActed, lastingTasks, staysText, tasksText } from "./core/left-over.js";
export type { DroneSeen, DronesSeen, DroneState } from "./core/drones-seen.js";
export { rollbackStages } from "./core/rollback.js";
export { Run } from "./core/run.js";
export type { RunState, StageProgress, StageState } from "./core/run-fold.js";
export * from "./core/run-status.js";
export { noTasks, type TaskCounts, type TaskRun, type TaskState } from "./core/stage-run.js";
export { hostOf, positionOf, taskIdOf } from "./core/task-place.js";
export { timeText } from "./core/time-text.js";
export { isOpen, opensAt } from "./core/window.js";
export { freshRunId } from "./run-id.js";
export { PlanEngine, type EngineOptions, type Following, type StartOptions } from "./engine.js";
export type { RunListener } from "./live-run.js";
export { MortalWorld, type MortalOptions } from "./simulated/mortal-world.js";
export { SimExecutor, type SimDeed, type SimTask } from "./simulated/sim-executor.js";
export { SimJournal } from "./simulated/sim-journal.js";
export { openFolderJournal } from "./system/folder-journal.js";
export { storeJournal } from "./system/store-journal.js";
export { localHost, plainEnvironment, type LocalHostOptions } from "./system/local-host.js";
export { openSshHosts, type SshHosts, type SshHostsOptions } from "./system/ssh-host.js";
export * from "./config/index.js";
export { isPackageFile, packageNamed, type NamedPackage } from "./core/package-names.js";
export { variablePrefix } from "./core/config-keys.js";
export { evenly, groupsFor, inGroups, type Grouping } from "./core/min-up.js";
export {
  wavesOf,
  type Wave,
  type WaveBy,
  type Waver,
  type WaveRules,
  type Waves,
} from "./core/waves.js";
export { checkRelays } from "./core/relay-names.js";
export { readTargets, withRelay, type ReadTargets, type TargetsText } from "./core/read-targets.js";
export {
  aimsOf,
  type Aim,
  type TargetBook,
  type Targets,
  type TargetWorld,
} from "./core/targets.js";
export { dronesOf, planOfAims, tasksOfPlan, type TargetWork } from "./core/plan-targets.js";
export { HostExecutor, type HostExecutorOptions } from "./host-executor.js";
export { onlyRun } from "./only-run.js";
export { hostView, localMeans } from "./system/local-means.js";
export { loadProject, projectFiles, type LoadOptions } from "./system/load-project.js";
export { redactor } from "./core/redact.js";
export { foreignNames, OpenCommands } from "./core/open-commands.js";
export { projectApi } from "./project-module.js";
export { runInProject } from "./system/project-process.js";
export { defineCommand } from "./define-command.js";
export { toolBox } from "./commands/tool-box.js";
export { commandsPage } from "./commands-page.js";
export { lastLine } from "./commands/kit/script.js";
export { scriptEnds, scriptPreamble } from "./core/put-script.js";
export { programLine } from "./core/shell-words.js";
