import type { AuthoredSubject } from './authored.ts';
import type { LabFile, ProviderFile } from './authored-schema.ts';
import { policyOf } from './data-policy.ts';
import { present } from './present.ts';
import { tidyName } from './tidy-name.ts';
import type { Discovery, Lab, Provider, ProviderAuth } from './types.ts';
import { mediaTaken } from './wire-media.ts';

export function buildProvider({ id, form }: AuthoredSubject<ProviderFile>): Provider {
  return {
    id,
    name: form.name,
    kind: form.kind,
    dialect: form.dialect,
    auth: form.auth as ProviderAuth,
    keyEnv: form.key_env,
    quirks: form.quirks,
    extraFields: form.extra_fields,
    headers: form.headers,
    media: mediaTaken(form.dialect, form.media),
    about: form.about,
    ...present({
      operatedBy: form.operated_by,
      base: form.base,
      cancellation: form.cancellation,
      policy: form.policy && policyOf(form.policy),
      temperatureMax: form.temperature_max,
      listModels: form.list_models,
      discovery:
        form.discovery &&
        (present({
          owner: form.discovery.owner,
          details: form.discovery.details,
          contextMax: form.discovery.context_max,
        }) as Discovery),
      rateHeaders: form.rate_headers,
      imagesMax: form.images_max,
      imageTypes: form.image_types,
      imageBytesMax: form.image_bytes_max,
      bodyBytesMax: form.body_bytes_max,
      toolsMax: form.tools_max,
      messagesMax: form.messages_max,
      efforts: form.efforts,
      effortsKnown: form.efforts_known,
      errors: form.errors as Provider['errors'],
      stopsMax: form.stops_max,
      topLogprobsMax: form.top_logprobs_max,
      serviceTiers: form.service_tiers,
      userField: form.user_field,
      refusedParameters: form.parameters?.remove,
      site: form.site,
      docs: form.docs,
      pricePage: form.price_page,
      statusPage: form.status_page,
      privacyPolicy: form.privacy_policy,
      termsOfService: form.terms_of_service,
      headquarters: form.headquarters,
    }),
  };
}

/** Authored labs, and a bare entry for every other organisation that a model is named after. */
export function buildLabs(authored: readonly AuthoredSubject<LabFile>[], named: ReadonlySet<string>): readonly Lab[] {
  const labs = authored.map(
    ({ id, form }): Lab => ({ id, name: form.name, ...present({ url: form.url, country: form.country }) }),
  );
  const known = new Set(labs.map((lab) => lab.id));
  const others = [...named].filter((id) => !known.has(id)).map((id): Lab => ({ id, name: tidyName(id) }));
  return [...labs, ...others].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
