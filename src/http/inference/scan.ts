/** Routing fields that must not stand twice: a parser takes the last one, another reader might take the first. */
const GUARDED: ReadonlySet<string> = new Set(['model', 'models', 'provider', 'stream']);

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
 * What is wrong with a JSON text that its parser would let pass: nesting that overflows whoever walks it later, and routing fields that
 * are named twice, escaped or not. Strings are skipped at native speed, so a megabyte of prompt costs little.
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
        if (GUARDED.has(key)) {
          if (seen.has(key)) return `${key} is named twice`;
          seen.add(key);
        }
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
