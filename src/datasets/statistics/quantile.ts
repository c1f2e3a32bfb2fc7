/**
 * The value below which a share of the numbers lies, on the line between the two that are nearest.
 * @param sorted - one number or more, ascending
 * @param share - 0 … 1
 * @see Hyndman & Fan, "Sample quantiles in statistical packages" (1996), definition 7: as NumPy and R do
 */
export function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? 0
  const weight = place - Math.floor(place)
  // Not below + weight · (above − below), whose difference may be more than a number can hold.
  return below === above ? below : below * (1 - weight) + above * weight
}
