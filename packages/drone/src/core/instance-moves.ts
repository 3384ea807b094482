/** Small moves that the parts of the instance's machine share. */
import type {
  InstanceEffect,
  InstanceLife,
  InstanceState,
  InstanceStep,
  Moment,
  Run,
} from "./instance-state.js";

export function same(state: InstanceState): InstanceStep {
  return { state, effects: [] };
}

/** Into a phase of life; the time it began is kept when it is the same phase. */
export function to(
  state: InstanceState,
  life: InstanceLife,
  moment: Moment,
  effects: readonly InstanceEffect[] = [],
): InstanceStep {
  const since = life.kind === state.life.kind ? state.since : moment.date;
  return { state: { ...state, life, since }, effects };
}

/** One step, then another from where it led. */
export function andThen(
  first: InstanceStep,
  next: (state: InstanceState) => InstanceStep,
): InstanceStep {
  const second = next(first.state);
  const done = first.done ?? second.done;
  return {
    state: second.state,
    effects: [...first.effects, ...second.effects],
    ...(done && { done }),
  };
}

export function withRun(state: InstanceState, change: Partial<Run>): InstanceState {
  return state.run ? { ...state, run: { ...state.run, ...change } } : state;
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
