/**
 * Draws a part of the page as a picture, from what the browser has laid out: boxes, text, SVG shapes and canvases. The usual
 * way, an SVG image that holds the page, would need an image source that the content security policy does not allow.
 */

/** Pixels of the picture for each of the page's. */
const SCALE = 2

/** @returns a PNG. Parts with the attribute `data-unpainted` are left out. */
export async function paint(element: HTMLElement): Promise<Blob> {
  const { left, top, width, height } = element.getBoundingClientRect()
  const canvas = document.createElement('canvas')
  canvas.width = Math.ceil(width * SCALE)
  canvas.height = Math.ceil(height * SCALE)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser has no canvas')
  context.setTransform(SCALE, 0, 0, SCALE, -left * SCALE, -top * SCALE)
  drawElement(context, element)
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large'))), 'image/png')
  })
}

function drawElement(context: CanvasRenderingContext2D, element: Element): void {
  const style = getComputedStyle(element)
  const unseen = style.display === 'none' || style.visibility === 'hidden' || style.clipPath !== 'none'
  if (unseen || element.hasAttribute('data-unpainted')) return
  context.save()
  context.globalAlpha *= Number(style.opacity)
  if (element instanceof SVGGeometryElement) drawShape(context, element, style)
  else if (element instanceof HTMLElement) drawBox(context, element, style)
  for (const child of element.childNodes) {
    if (child instanceof Element) drawElement(context, child)
    else if (child instanceof Text) drawText(context, child, style)
  }
  context.restore()
}

function drawBox(context: CanvasRenderingContext2D, element: HTMLElement, style: CSSStyleDeclaration): void {
  const { left, top, width, height } = element.getBoundingClientRect()
  const path = new Path2D()
  path.roundRect(left, top, width, height, Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, height / 2))
  context.fillStyle = style.backgroundColor
  context.fill(path)
  drawBorder(context, path, element.getBoundingClientRect(), style)
  if (element instanceof HTMLCanvasElement) context.drawImage(element, left, top, width, height)
  if (style.overflowX !== 'visible') context.clip(path)
}

/** All round where all sides are alike, else each side that there is. */
function drawBorder(context: CanvasRenderingContext2D, path: Path2D, box: DOMRect, style: CSSStyleDeclaration): void {
  const { left, top, right, bottom } = box
  const sides = [
    ['Top', `M${left} ${top}H${right}`],
    ['Right', `M${right} ${top}V${bottom}`],
    ['Bottom', `M${left} ${bottom}H${right}`],
    ['Left', `M${left} ${top}V${bottom}`],
  ] as const
  const look = (side: (typeof sides)[number][0]) => ({
    width: Number.parseFloat(style[`border${side}Width`]),
    color: style[`border${side}Color`],
    dashed: style[`border${side}Style`] === 'dashed',
  })
  const stroke = ({ width, color, dashed }: ReturnType<typeof look>, line: Path2D) => {
    if (width === 0) return
    context.lineWidth = width
    context.strokeStyle = color
    context.setLineDash(dashed ? [3 * width, 2 * width] : [])
    context.stroke(line)
  }
  const looks = sides.map(([side]) => look(side))
  const [first] = looks
  if (first && looks.every(({ width, color }) => width === first.width && color === first.color)) stroke(first, path)
  else for (const [i, [, line]] of sides.entries()) stroke(looks[i] ?? look('Top'), new Path2D(line))
}

function drawShape(context: CanvasRenderingContext2D, shape: SVGGeometryElement, style: CSSStyleDeclaration): void {
  const matrix = shape.getScreenCTM()
  if (matrix === null) return
  const path = new Path2D()
  path.addPath(new Path2D(outline(shape)), matrix)
  if (style.fill !== 'none') {
    context.fillStyle = style.fill
    context.fill(path)
  }
  if (style.stroke !== 'none') {
    const scale = style.vectorEffect === 'non-scaling-stroke' ? 1 : Math.sqrt(Math.abs(matrix.a * matrix.d))
    context.lineWidth = Number.parseFloat(style.strokeWidth) * scale
    context.lineJoin = 'round'
    context.strokeStyle = style.stroke
    context.setLineDash(style.strokeDasharray === 'none' ? [] : style.strokeDasharray.split(',').map(Number.parseFloat))
    context.stroke(path)
  }
}

/** A shape as the data of a path. */
function outline(shape: SVGGeometryElement): string {
  const length = (name: string) => Number(shape.getAttribute(name) ?? 0)
  if (shape instanceof SVGRectElement) {
    const [width, height] = [length('width'), length('height')]
    return `M${length('x')} ${length('y')}h${width}v${height}h${-width}z`
  }
  if (shape instanceof SVGCircleElement) {
    const r = length('r')
    return `M${length('cx') - r} ${length('cy')}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
  }
  if (shape instanceof SVGPolylineElement || shape instanceof SVGPolygonElement) {
    const points = shape.getAttribute('points') ?? ''
    return points === '' ? '' : `M${points}${shape instanceof SVGPolygonElement ? 'z' : ''}`
  }
  return shape.getAttribute('d') ?? ''
}

function drawText(context: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration): void {
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
  context.letterSpacing = style.letterSpacing === 'normal' ? '0px' : style.letterSpacing
  context.fillStyle = text.parentElement instanceof SVGElement ? style.fill : style.color
  const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } = context.measureText('x')
  for (const { line, box } of lines(text)) {
    context.fillText(line, box.left, box.top + (box.height - ascent - descent) / 2 + ascent)
  }
}

/** A text as the lines that the browser broke it into. */
function lines(text: Text): { line: string; box: DOMRect }[] {
  const range = document.createRange()
  const found: { line: string; box: DOMRect }[] = []
  for (const { index, 0: word } of text.data.matchAll(/\S+\s*/g)) {
    range.setStart(text, index)
    range.setEnd(text, index + word.length)
    const [box] = range.getClientRects()
    if (box === undefined) continue
    const last = found.at(-1)
    if (last !== undefined && Math.abs(last.box.top - box.top) < box.height / 2) last.line += word
    else found.push({ line: word, box })
  }
  return found
}
