/** Every bound of the gateway with its unit and default; `limits` in turnpike.yaml overrides them one by one. */
export const LIMITS = {
  headers_ms_max: { default: 60_000, says: 'From sending a request to a provider until its headers.' },
  attempt_first_content_ms_max: {
    default: 30_000,
    says: 'How long a streamed attempt may be silent before its first content; any byte starts the wait anew.',
  },
  stream_idle_ms_max: { default: 60_000, says: 'How long a stream may be silent after its first content.' },
  attempt_whole_ms_max: {
    default: 600_000,
    says: 'From sending a request that is not streamed until its whole answer.',
  },
  request_total_ms_max: { default: 900_000, says: 'The whole request, all attempts together.' },
  stream_commit_ms: {
    default: 10_000,
    says: 'How long a stream waits for its first content before it answers 200 with comments.',
  },
  attempts_max: { default: 6, says: 'Attempts per request.' },
  drain_ms_max: { default: 30_000, says: 'How long open answers may go on after a stop signal.' },
  detached_drain_ms_max: {
    default: 60_000,
    says: 'How long an answer nobody reads any more is read on, where leaving would not stop the bill.',
  },
  media_bytes_max: {
    default: 20_971_520,
    says: 'Bytes of one picture or document that is fetched for a host that does not fetch itself.',
  },
  media_total_bytes_max: { default: 52_428_800, says: 'Bytes of all that is fetched for one request.' },
  media_ms_max: { default: 10_000, says: 'From the look-up of such an address to its last byte, redirects included.' },
  response_cache_bytes_max: { default: 67_108_864, says: 'Memory for answers that are given again.' },
  response_cache_entries_max: { default: 10_000, says: 'How many answers are kept to be given again.' },
  breaker_failures: { default: 5, says: 'Failures in a row after which a host is left alone for a while.' },
  breaker_attempts: {
    default: 20,
    says: 'Attempts within 30 seconds after which it is left alone too, where half of them failed.',
  },
  breaker_open_ms: {
    default: 5000,
    says: 'How long such a host is left alone at first, give or take a fifth; doubled each time.',
  },
  breaker_open_ms_max: { default: 300_000, says: 'The longest that it is left alone.' },
  cooldown_ms: {
    default: 1000,
    says: 'How long a host that answered 429 is left alone where it names no time; doubled each time, up to a minute.',
  },
  cooldown_ms_max: { default: 3_600_000, says: 'The longest wait of a 429 or a refused key that is believed.' },
  concurrency_start: {
    default: 20,
    says: 'Requests at once that a host is given at first. It gets more as it keeps up, and fewer when it does not.',
  },
  concurrency_max: { default: 1000, says: 'The most that it is given at once.' },
  queue_ms_max: {
    default: 200,
    says: 'How long a request waits for a host that has enough to do, where no other is left.',
  },
  retries_percent: {
    default: 20,
    says: 'Retries within ten seconds, in percent of the requests: the whole gateway together.',
  },
  retries_min: { default: 20, says: 'Retries within ten seconds that are always allowed.' },
  requests_max: { default: 4096, says: 'Requests in hand at once; whoever comes then is told to come back.' },
} as const satisfies Record<string, { default: number; says: string }>;

export type LimitId = keyof typeof LIMITS;

export type Limits = { readonly [L in LimitId]: number };
