/**
 * A number that stands for a text: equal texts have equal ones, and different ones hardly ever the same. Over the
 * UTF-16 code units of the text.
 * @returns an integer from 2^32 to 2^53, so that it is never taken for the small number of a category
 * @see cyrb53 (bryc, public domain), https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js
 */
export function hashText(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 2_654_435_761)
    low = Math.imul(low ^ unit, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return (low & 0x1fffff || 1) * 2 ** 32 + (high >>> 0)
}
