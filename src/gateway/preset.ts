import type { PresetVersion } from '../accounts/ports.ts';
import { DEFAULT_WORKSPACE, type Presets } from '../accounts/presets.ts';
import type { GatewayError } from '../canon/errors.ts';
import { ok, type Result } from '../canon/result.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { mergePreset, takePreset } from '../dialects/preset-merge.ts';
import type { CacheSettings } from './response-cache.ts';

/** A request's body with the settings of its preset. */
interface WithPreset {
  readonly wire: unknown;
  readonly presetId?: string;
  readonly cache?: CacheSettings;
}

/**
 * Puts a preset's settings into the body that names it, before anybody decodes it: what is decoded, sent and cached is one whole request.
 * @returns `preset_unknown`, or `invalid_request` where the names contradict each other
 */
export function withPreset(
  wire: unknown,
  dialect: Dialect,
  presets: Pick<Presets, 'serving'>,
): Result<WithPreset, GatewayError> {
  const named = takePreset(wire as Readonly<Record<string, unknown>>, dialect);
  if (!named.ok) return named;
  const { wire: body, slug } = named.value;
  if (slug === undefined) return ok({ wire: body });
  const preset = presets.serving(DEFAULT_WORKSPACE, slug);
  if (!preset.ok) return preset;
  const { id, designated } = preset.value;
  return ok({ wire: mergePreset(body, designated, dialect), presetId: id, cache: cacheSettings(designated.config) });
}

/** Validated when the preset was made. */
const cacheSettings = ({ cache_enabled, cache_ttl_seconds }: PresetVersion['config']): CacheSettings => ({
  ...(typeof cache_enabled === 'boolean' && { enabled: cache_enabled }),
  ...(typeof cache_ttl_seconds === 'number' && { ttlSeconds: cache_ttl_seconds }),
});
