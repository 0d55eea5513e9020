/** The CRC-32 (IEEE, as in gzip) of files that are put together, from their own CRCs: nothing is read. */

/** The polynomial, its bits reversed, as everything here: the highest bit stands for x^0. */
const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

/**
 * The CRC of a file that is followed by another. Appending n bytes multiplies the CRC of what stands before by x^8n
 * modulo the polynomial.
 * @param length bytes of the second
 */
export function combineCrc32(first: number, second: number, length: number): number {
  let factor = ONE
  // x^8, then its squares: one for each bit of the length.
  let power = ONE >>> 8
  for (let left = length; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) factor = multiply(factor, power)
    power = multiply(power, power)
  }
  return (multiply(factor, first) ^ second) >>> 0
}

/** The product of two polynomials over GF(2), modulo the polynomial of the CRC. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}

/** As records and manifests write it. */
export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
