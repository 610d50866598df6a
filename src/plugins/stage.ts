/** Something beside the model that changed the request or the answer. */
export interface Stage {
  readonly type: 'context_compression' | 'response_healing';
  readonly name: string;
  readonly summary: string;
  readonly data: Readonly<Record<string, unknown>>;
}
