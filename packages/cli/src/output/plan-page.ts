/** A plan as a page of its own: its timeline and all that it would do. Without scripts, and without the network. */
import { timeText, type AnnouncedStage, type AnnouncedBar } from "@propagit/plan";
import {
  describeCare,
  describeLimits,
  describeSize,
  describeTask,
  describeTime,
  describeWaits,
  hostName,
  placeName,
} from "./plan-words.js";
import type { PictureOptions } from "./plan-picture.js";
import { formatMoment } from "./duration.js";

/** Bars that a browser still draws at once; more are told as a number. */
const barsMax = 5_000;
const rowPixels = 14;

export function planPage({
  plan,
  hash,
  commands,
  forecast,
}: Omit<PictureOptions, "isWhole">): string {
  const { from, until, stages } = forecast.announcement;
  const bodies = plan.stages.map((stage, index) => {
    const waits = describeWaits(stage, stages[index]?.from).map(
      (wait) => `<li>waits for ${escaped(wait)}</li>`,
    );
    const rows = stage.lines.flatMap((line) =>
      line.map((task, step) => {
        const said = `${step > 0 ? "then " : ""}${describeTask(task, commands)}`;
        const cells = [task.id, hostName(task), task.command, said, describeCare(task)];
        return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
      }),
    );
    return `<section><h2>${index + 1}. ${escaped(stage.name)}</h2><p>${escaped(describeLimits(stage))}</p>
<ul>${waits.join("")}</ul>
<table><thead><tr><th>task</th><th>host</th><th>command</th><th>what</th><th>how</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(plan.name)}</title><style>${style}</style></head><body>
<h1>${escaped(plan.name)}</h1><p>${escaped(describeSize(plan))}; ${escaped(hash)}</p><p>${escaped(describeTime(forecast))}</p>
${timeline(stages, from, Math.max(1, until - from))}
${bodies.join("\n")}
<footer>made ${escaped(formatMoment(from))} by propagit plan</footer></body></html>
`;
}

function timeline(stages: readonly AnnouncedStage[], from: number, spanMs: number): string {
  const parts: string[] = [];
  let top = 0;
  let left = barsMax;
  for (const stage of stages) {
    parts.push(text(stage.name, top + 11));
    top += rowPixels + 4;
    if (stage.from > stage.turnAt)
      parts.push(bar("wait", { ...stage, from: stage.turnAt, until: stage.from }));
    const hosts = byHost(stage.bars.slice(0, left));
    left -= Math.min(left, stage.bars.length);
    for (const [host, bars] of hosts) {
      parts.push(text(host, top + 11, 8), ...bars.map((one) => bar("task", one)));
      top += rowPixels;
    }
    top += 8;
  }
  const more = left === 0 ? `<p>only the first ${barsMax} tasks are drawn</p>` : "";
  return `<svg role="img" aria-label="timeline" viewBox="0 0 1000 ${Math.max(top, 20)}">${parts.join("")}</svg>${more}`;

  function bar(
    kind: string,
    { from: begin, until, ...one }: Pick<AnnouncedBar, "from" | "until"> & Partial<AnnouncedBar>,
  ): string {
    const x = 200 + ((begin - from) / spanMs) * 790;
    const width = Math.max(1, ((until - begin) / spanMs) * 790 - 1);
    const title = `${one.task ?? "waits"} ${one.command ?? ""}: ${timeText(until - begin)}`;
    const place = `x="${x.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${rowPixels - 3}"`;
    return `<rect class="${kind}" ${place}><title>${escaped(title)}</title></rect>`;
  }
}

function byHost(bars: readonly AnnouncedBar[]): ReadonlyMap<string, readonly AnnouncedBar[]> {
  const hosts = new Map<string, AnnouncedBar[]>();
  for (const bar of bars) {
    const host = placeName(bar.host, bar.command);
    const known = hosts.get(host);
    if (known) known.push(bar);
    else hosts.set(host, [bar]);
  }
  return hosts;
}

function text(words: string, y: number, x = 0): string {
  return `<text x="${x}" y="${y}">${escaped(words.slice(0, 30))}</text>`;
}

const style = `body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222;background:#fff}
h1,h2{line-height:1.2}svg{width:100%;font-size:11px}rect.task{fill:#3273dc}rect.wait{fill:#ddd}
table{border-collapse:collapse;table-layout:fixed;width:100%}th:nth-child(1){width:5em}th:nth-child(2),th:nth-child(3){width:11em}th:nth-child(5){width:9em}td,th{text-align:left;vertical-align:top;padding:.2em .6em .2em 0;border-top:1px solid #ddd}
td{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}svg text{fill:#ddd}td,th{border-color:#444}rect.wait{fill:#444}}`;

/** Nothing that a plan says is taken for HTML. */
function escaped(words: string): string {
  const marks: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return words
    .replaceAll(/[&<>"']/g, (mark) => marks[mark] ?? "")
    .replaceAll(/(?!\n)\p{Cc}/gu, "�");
}
