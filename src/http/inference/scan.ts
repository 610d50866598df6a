/** Members that would reach for the prototype of whoever copies them carelessly; no wire has such fields. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const DEPTH_MAX = 128;

const QUOTE = 34;
const BACKSLASH = 92;

/** Where the string that begins at `start` (its quote) ends. Quotes inside are escaped, so only backslashes right before one matter. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let slashes = 0;
    for (let at = end - 1; text.charCodeAt(at) === BACKSLASH; at--) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function isKey(text: string, after: number): boolean {
  let at = after;
  for (
    let unit = text.charCodeAt(at);
    unit === 32 || unit === 10 || unit === 13 || unit === 9;
    unit = text.charCodeAt(at)
  )
    at += 1;
  return text.charCodeAt(at) === 58;
}

/** A member of the outermost object: its value's place in the text, and how many keys are written in it. */
export interface ScannedMember {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly keys: number;
}

/**
 * What is wrong with a JSON text that its parser would let pass: nesting that overflows whoever walks it later, and fields of the request
 * that are named twice, escaped or not: a parser takes the last one, another reader might take the first. Strings are skipped at native speed, so a megabyte of prompt costs little.
 * @param members filled with the outermost object's members, where somebody wants them
 * @returns a sentence, or undefined
 */
export function scanJson(text: string, members?: ScannedMember[]): string | undefined {
  let depth = 0;
  const seen = new Set<string>();
  let keys = 0;
  let open: { name: string; start: number; keys: number } | undefined;
  const close = (end: number): void => {
    if (open) members?.push({ name: open.name, start: open.start, end, keys: keys - open.keys });
    open = undefined;
  };
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) {
      const end = endOfString(text, i);
      if (depth === 1 && isKey(text, end + 1)) {
        const key = keyOf(text.slice(i, end + 1));
        if (seen.has(key)) return `${key.slice(0, 64)} is named twice`;
        if (FORBIDDEN.has(key)) return `${key} is no field`;
        seen.add(key);
        if (members) {
          const colon = text.indexOf(':', end + 1);
          keys += 1;
          open = { name: key, start: colon + 1, keys };
          i = colon;
          continue;
        }
      }
      i = end;
    } else if (unit === 58) keys += 1;
    else if (unit === 44) {
      if (depth === 1) close(i);
    } else if (unit === 123 || unit === 91) {
      depth += 1;
      if (depth > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX} levels`;
    } else if (unit === 125 || unit === 93) {
      if (depth === 1) close(i);
      depth -= 1;
    }
  }
  return undefined;
}

function keyOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** Whether a value holds a member of the one name that carries a prototype into careless copies; only texts that may hold it are walked. */
export function reachesPrototype(text: string, value: unknown): boolean {
  return (text.includes('__proto__') || /\\u005f/i.test(text)) && holdsPrototype(value);
}

function holdsPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsPrototype);
}
