"""litert-quantizer, which works on a float32 file that was verified: weights, and for integers what flows, become
integers."""

from export.convert import representative

__all__ = ["quantize"]

LAYERS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE")


def quantize(task: dict, names: list[str]) -> bytes:
    """A file's signatures, all of them."""
    from litert_quantizer import algorithm_manager, calibrator, qtyping, quantizer

    kind, maker = task["format"], quantizer.Quantizer(task["float32"])
    algorithm, everything = algorithm_manager.AlgorithmName, qtyping.TFLOperationName.ALL_SUPPORTED
    operators = [qtyping.TFLOperationName(name) for name in LAYERS] if task["by"] == "layers" else [everything]
    if kind == "float16":
        halves = qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        for name in LAYERS:
            operator = qtyping.TFLOperationName(name)
            maker.update_quantization_recipe(".*", operator, halves, algorithm.FLOAT_CASTING)
        return bytes(maker.quantize(enable_progress_report=False).quantized_model)
    if kind == "dynamic":
        maker.add_dynamic_config(".*", everything, 8)
        return bytes(maker.quantize(enable_progress_report=False).quantized_model)
    for operator in operators:
        maker.add_static_config(".*", operator, 8 if kind == "int8" else 16, 8)
    if task["io"] == "float" and task["by"] == "quantizer":
        for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
            maker.update_quantization_recipe(".*", end, algorithm_key=algorithm.NO_QUANTIZE)
    mode = calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED  # the other one fails on several signatures
    seen = maker.calibrate(representative(task["representative"], names), num_threads=1, mode=mode)
    return bytes(maker.quantize(seen, enable_progress_report=False).quantized_model)
