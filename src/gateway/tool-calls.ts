import { type Schema, Validator } from '@cfworker/json-schema';
import type { Tool } from '../canon/request.ts';

/** Whether hosts call tools as they were declared (spec/inference 5.11), and how often they did not of late. */

export interface ToolCallMade {
  readonly name: string;
  readonly arguments: string;
}

/** What is wrong with a call, in the words of those who publish such figures. */
type Fault = 'InvalidJson' | 'UnknownName' | 'SchemaMismatch';

/** The first fault of an answer's calls; undefined where all are as they were declared. */
export function faultOf(calls: readonly ToolCallMade[], tools: readonly Tool[]): Fault | undefined {
  for (const { name, arguments: text } of calls) {
    const tool = tools.find((one) => one.name === name);
    if (!tool) return 'UnknownName';
    let value: unknown;
    try {
      // Nothing at all is how some hosts call a function without parameters.
      value = JSON.parse(text.trim() === '' ? '{}' : text);
    } catch {
      return 'InvalidJson';
    }
    if (conforms(tool.parameters, value) === false) return 'SchemaMismatch';
  }
  return undefined;
}

const validators = new WeakMap<object, Validator>();

/** A schema that is none, or that cannot be read, forbids nothing. */
function conforms(schema: unknown, value: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return true;
  try {
    let validator = validators.get(schema);
    if (!validator) {
      validator = new Validator(schema as Schema, '7');
      validators.set(schema, validator);
    }
    return validator.validate(value).valid;
  } catch {
    return true;
  }
}

const BUCKET_MS = 5 * 60_000;
const WINDOW_BUCKETS = 24;

interface Bucket {
  readonly at: number;
  calls: number;
  bad: number;
}

/** Answers with calls over two hours, in buckets of five minutes. */
export class ToolRecord {
  #buckets: Bucket[] = [];

  /** @param now milliseconds */
  add(good: boolean, now: number): void {
    const at = Math.floor(now / BUCKET_MS);
    let bucket = this.#buckets.at(-1);
    if (bucket?.at !== at) {
      bucket = { at, calls: 0, bad: 0 };
      this.#buckets = [...this.#buckets.filter((one) => one.at > at - WINDOW_BUCKETS), bucket];
    }
    bucket.calls += 1;
    if (!good) bucket.bad += 1;
  }

  /** @returns how many answers called tools, and the share of those that did it right */
  over(now: number): { readonly toolRequests: number; readonly success: number } {
    const since = Math.floor(now / BUCKET_MS) - WINDOW_BUCKETS;
    let calls = 0;
    let bad = 0;
    for (const bucket of this.#buckets) {
      if (bucket.at <= since) continue;
      calls += bucket.calls;
      bad += bucket.bad;
    }
    return { toolRequests: calls, success: calls === 0 ? 1 : 1 - bad / calls };
  }
}
