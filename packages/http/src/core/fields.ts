/** Looks into the fields of a parsed head. */
import { equalsFolded } from "./characters.js";
import { fieldStride, textOf, type Head } from "./head.js";

/** The field of that lower-case name, from a field on; -1: none. */
function findField(bytes: Buffer, head: Head, lowerName: string, from = 0): number {
  const { fields } = head;
  for (let field = from; field < head.fieldCount; field++) {
    const slot = field * fieldStride;
    const start = fields[slot] as number;
    if (equalsFolded(bytes, start, fields[slot + 1] as number, lowerName)) return field;
  }
  return -1;
}

/** As `findField`, by the number of a known name, and without looking at bytes. */
export function findKnown(head: Head, id: number, from = 0): number {
  const { fields } = head;
  for (let field = from; field < head.fieldCount; field++) {
    if (fields[field * fieldStride + 4] === id) return field;
  }
  return -1;
}

export function fieldName(bytes: Buffer, head: Head, field: number): string {
  const slot = field * fieldStride;
  return textOf(bytes, head, head.fields[slot] as number, head.fields[slot + 1] as number);
}

export function fieldValue(bytes: Buffer, head: Head, field: number): string {
  const slot = field * fieldStride;
  return textOf(bytes, head, head.fields[slot + 2] as number, head.fields[slot + 3] as number);
}

/** Several of that lower-case name as one, as RFC 9110 (5.3) and, of cookies, RFC 9113 (8.2.3) say. */
export function headerOf(bytes: Buffer, head: Head, lowerName: string): string | undefined {
  let field = findField(bytes, head, lowerName);
  if (field < 0) return undefined;
  let value = fieldValue(bytes, head, field);
  const separator = lowerName === "cookie" ? "; " : ", ";
  for (;;) {
    field = findField(bytes, head, lowerName, field + 1);
    if (field < 0) return value;
    value += separator + fieldValue(bytes, head, field);
  }
}

/** Whether the field's value is that lower-case text, whatever its case. */
export function headerIs(bytes: Buffer, head: Head, field: number, lowerText: string): boolean {
  const slot = field * fieldStride;
  const start = head.fields[slot + 2] as number;
  return equalsFolded(bytes, start, head.fields[slot + 3] as number, lowerText);
}

/** Names and values in turn, as sent. */
export function rawHeadersOf(bytes: Buffer, head: Head): string[] {
  const headers: string[] = [];
  for (let field = 0; field < head.fieldCount; field++) {
    headers.push(fieldName(bytes, head, field), fieldValue(bytes, head, field));
  }
  return headers;
}
