const SECOND = 1000;
const MAX_MS = 3_600_000;

/** `"6m0s"`, `"1.5s"`, `"20ms"`: Go's way of writing a duration. */
function goDuration(text: string): number | undefined {
  const pieces = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (pieces.length === 0 || pieces.map((piece) => piece[0]).join('') !== text) return undefined;
  const factor: Readonly<Record<string, number>> = { h: 3600 * SECOND, m: 60 * SECOND, s: SECOND, ms: 1 };
  return pieces.reduce((sum, [, number, unit]) => sum + Number(number) * (factor[unit ?? ''] ?? 0), 0);
}

/** A reset header holds seconds, a duration, or a point in time: in seconds or milliseconds since 1970, or written out. */
export function resetMs(text: string, now: number): number | undefined {
  const number = Number(text);
  if (text !== '' && Number.isFinite(number)) {
    if (number > 1e12) return number - now;
    return number > 1e9 ? number * SECOND - now : number * SECOND;
  }
  return goDuration(text) ?? (/^\d{4}-\d\d-\d\dT/.test(text) ? date(text, now) : undefined);
}

/**
 * When a provider wants to be asked again, in milliseconds from now (spec/providers A.3, UP-131). Nothing, nonsense and negatives give
 * undefined; absurd waits are cut to an hour.
 */
export function retryAfterMs(headers: Headers, body: string, now: number): number | undefined {
  const header = (name: string): string | undefined => headers.get(name)?.trim() || undefined;
  const readings: readonly (() => number | undefined)[] = [
    () => number(header('retry-after-ms'), 1),
    () => number(header('retry-after'), SECOND),
    () => date(header('retry-after'), now),
    () => number(/"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1], SECOND),
    () => number(/(?:try again in|retry after) (\d+(?:\.\d+)?) ?s/i.exec(body)?.[1], SECOND),
    () => resetMs(header('x-ratelimit-reset') ?? header('x-ratelimit-reset-requests') ?? '', now),
  ];
  for (const read of readings) {
    const ms = read();
    if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return Math.min(Math.ceil(ms), MAX_MS);
  }
  return undefined;
}

function number(text: string | undefined, factor: number): number | undefined {
  if (text === undefined || !/^\d+(\.\d+)?$/.test(text)) return undefined;
  return Number(text) * factor;
}

function date(text: string | undefined, now: number): number | undefined {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at - now;
}
