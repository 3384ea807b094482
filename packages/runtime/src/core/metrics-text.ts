/** Families of samples as Prometheus reads them (text format 0.0.4). */

/** A label whose value is undefined is left out. */
export type MetricLabels = Readonly<Record<string, string | undefined>>;
/** The suffix goes to the name: `_bucket` of a histogram. */
export type MetricSample = readonly [labels: MetricLabels, value: number, suffix?: string];

export interface MetricFamily {
  /** `propagit_hub_shares`; that of a counter ends with `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

/** Lines, each with its end; nothing for a family without samples. */
export function familyText({ name, type, help, samples }: MetricFamily): string {
  if (samples.length === 0) return "";
  const lines = samples.map(
    ([labels, value, suffix = ""]) => `${name}${suffix}${labelsText(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelsText(labels: MetricLabels): string {
  const known = Object.entries(labels).filter(([, value]) => value !== undefined);
  if (known.length === 0) return "";
  return `{${known.map(([name, value]) => `${name}="${escaped(value ?? "")}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
