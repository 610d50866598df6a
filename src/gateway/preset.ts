import { DEFAULT_WORKSPACE, type Presets } from '../accounts/presets.ts';
import type { GatewayError } from '../canon/errors.ts';
import { ok, type Result } from '../canon/result.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { mergePreset, takePreset } from '../dialects/preset-merge.ts';

/** A request's body with the settings of its preset. */
interface WithPreset {
  readonly wire: unknown;
  readonly presetId?: string;
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
  return ok({ wire: mergePreset(body, preset.value.designated, dialect), presetId: preset.value.id });
}
