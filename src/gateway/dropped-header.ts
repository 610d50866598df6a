import type { Dropped } from '../canon/dropped.ts';

/** What the serving endpoint could not be told, by JSON pointer. */
export const droppedHeader = (dropped: readonly Dropped[] = []): Readonly<Record<string, string>> =>
  dropped.length > 0
    ? { 'x-turnpike-dropped': dropped.map(({ pointer, reason }) => `${encodeURI(pointer)};${reason}`).join(', ') }
    : {};
