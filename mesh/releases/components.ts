/** The components of a release: its own, and those of its variants. What moves, keeps or carries a release asks here. */
import type { ComponentRef, ReleaseRecord } from './record.ts'

/** The component itself first. Two of them may be the same. */
export function componentsOf({
  component,
  variants = [],
}: Pick<ReleaseRecord, 'component' | 'variants'>): readonly ComponentRef[] {
  return variants.length === 0 ? [component] : [component, ...variants.map((variant) => variant.component)]
}

/**
 * The component that stands for this one in another release of the app: of the variant with the same name, else the
 * component itself. null where `of` is no component of `record`.
 */
export function counterpartOf(
  record: Pick<ReleaseRecord, 'component' | 'variants'>,
  of: ComponentRef,
  other: Pick<ReleaseRecord, 'component' | 'variants'>,
): ComponentRef | null {
  if (!componentsOf(record).some(({ digest }) => digest === of.digest)) return null
  const name = record.variants?.find(({ component }) => component.digest === of.digest)?.name
  return other.variants?.find((variant) => variant.name === name)?.component ?? other.component
}
