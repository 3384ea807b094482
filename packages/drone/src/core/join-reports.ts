/** What a drone tells of its instances when it joins: everything, as long as that fits into one frame. */
import type { InstanceReport } from "@propagit/protocol";

/** Half of the largest frame; the rest is room for everything else in it. */
const joinCharsMax = 2 * 1024 * 1024;

/**
 * The reports; when hundreds of instances have failed with long output, without their reasons. Those are
 * then told one by one, as changes.
 */
export function joinReports(reports: readonly InstanceReport[]): InstanceReport[] {
  const isSmall = JSON.stringify(reports).length <= joinCharsMax;
  return isSmall ? [...reports] : reports.map(withoutReason);
}

function withoutReason(report: InstanceReport): InstanceReport {
  const facts = { ...report };
  delete facts.lastLines;
  delete facts.reason;
  return facts;
}
