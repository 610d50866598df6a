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

/**
 * What is wrong with a JSON text that its parser would let pass: nesting that overflows whoever walks it later, and routing fields that
 * are named twice, escaped or not. Strings are skipped at native speed, so a megabyte of prompt costs little.
 * @returns a sentence, or undefined
 */
export function scanJson(text: string): string | undefined {
  let depth = 0;
  const seen = new Set<string>();
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
      }
      i = end;
    } else if (unit === 123 || unit === 91) {
      depth += 1;
      if (depth > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX} levels`;
    } else if (unit === 125 || unit === 93) depth -= 1;
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
