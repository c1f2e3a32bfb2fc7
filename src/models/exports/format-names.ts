/** Every format that a version can be had in. */
export const EXPORT_FORMATS = ['tfjs', 'tfjs-graph', 'onnx', 'keras', 'savedmodel', 'npz', 'html'] as const

/** A format that a version can be had in. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
