"""A few lines in each language that load a file and call it, with the artifact's own names and shapes, inputs drawn by
their laws."""

import math
from typing import NamedTuple

__all__ = ["LANGUAGES", "Language", "all"]


class Language(NamedTuple):
    """Its name, the tag of its code, and what to install."""

    title: str
    tag: str


LANGUAGES = {
    "python": Language("Python (`pip install ai-edge-litert numpy`)", "python"),
    "javascript": Language("JavaScript (`npm install @litertjs/core`, its `wasm/` served beside the page)", "js"),
    "kotlin": Language("Kotlin (`com.google.ai.edge.litert:litert`; no test compiles these lines)", "kotlin"),
    "swift": Language("Swift (`pod 'TensorFlowLiteSwift'`; no test compiles these lines)", "swift"),
    "cpp": Language("C++ (LiteRT's `tflite` headers)", "cpp"),
}


def all(file: str, name: str, signature: dict) -> dict[Language, str]:
    """The text for each language; of a signature with state the second call, too."""
    makers = {"python": _python, "javascript": _javascript, "kotlin": _kotlin, "swift": _swift, "cpp": _cpp}
    return {LANGUAGES[key]: make(file, name, signature) for key, make in makers.items()}


def _count(t: dict) -> int:
    return math.prod(t["example_shape"])


def _comment(t: dict) -> str:
    shape = "x".join(map(str, t["example_shape"])) or "one number"
    first = f" ({t['in_words']})" if t.get("law") in ("state", "started") else ""
    return f"{shape}: {t['meaning'] or t.get('in_words', '')}{first}"


def _is_int(t: dict) -> bool:
    return t["dtype"].startswith("int")


def _python(file: str, name: str, signature: dict) -> str:
    lines = ["import numpy as np", "from ai_edge_litert.interpreter import Interpreter", ""]
    lines += [
        "rng = np.random.default_rng()",
        f'run = Interpreter("{file}", num_threads=2).get_signature_runner("{name}")',
    ]
    draw = {
        "normal": lambda t, k: f'rng.standard_normal({tuple(t["example_shape"])}, "float32")',
        "uniform": lambda t, k: f'rng.random({tuple(t["example_shape"])}, "float32")' + _spread(t),
        "class": lambda t, k: f'np.zeros({tuple(t["example_shape"])}, "{t["dtype"]}")',
        "state": lambda t, k: f'np.zeros({tuple(t["example_shape"])}, "{t["dtype"]}")',
    }
    example = lambda t, k: f'np.load("example.npz")["{name}/input/{k}"]'
    lines += ["inputs = {"]
    lines += [
        f'    "{k}": {draw.get(t["law"], example)(t, k)},  # {_comment(t)}' for k, t in signature["inputs"].items()
    ]
    lines += ["}", "outputs = run(**inputs)"]
    lines += [f'inputs["{a}"] = outputs["{b}"]  # for the next call' for a, b in signature["state"].items()]
    lines += [f'print(outputs["{k}"].shape)  # {_comment(t)}' for k, t in _results(signature)]
    return "\n".join(lines)


def _ends(t: dict) -> tuple[float, float]:
    return tuple(t["range"] or (0, 1))


def _spread(t: dict, f: str = "") -> str:
    low, high = _ends(t)
    return "" if (low, high) == (0, 1) else f" * {high - low:g}{f} + ({low:g}{f})"


def _results(signature: dict) -> list[tuple[str, dict]]:
    """Outputs that are not state."""
    return [(k, t) for k, t in signature["outputs"].items() if k not in signature["state"].values()]


def _javascript(file: str, name: str, signature: dict) -> str:
    if any(None in t["shape"] for t in signature["inputs"].values()):
        return "// LiteRT.js takes inputs of one size alone: this file's are of any. export/README.md: `lite=`"
    lines = ["import { loadLiteRt, loadAndCompile, Tensor } from '@litertjs/core';", ""]
    if any(t["law"] == "normal" for t in signature["inputs"].values()):
        lines += [
            "const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());"
        ]
    lines += [
        "await loadLiteRt('./wasm/');",
        f"const model = await loadAndCompile('./{file}', {{ accelerator: 'wasm' }});",
    ]
    lines += ["const inputs = {"]
    for k, t in signature["inputs"].items():
        kind, n, shape = ("Int32Array" if _is_int(t) else "Float32Array"), _count(t), list(t["example_shape"])
        numbers = {
            "normal": f"Float32Array.from({{ length: {n} }}, normal)",
            "uniform": f"Float32Array.from({{ length: {n} }}, () => Math.random(){_spread(t)})",
        }.get(t["law"], f"new {kind}({n})")
        lines += [f"  {k}: new Tensor({numbers}, {shape}), // {_comment(t)}"]
    lines += ["};", f"const outputs = await model.run('{name}', inputs);"]
    lines += [f"inputs.{a} = outputs.{b}; // for the next call" for a, b in signature["state"].items()]
    lines += [f"const {k} = await outputs.{k}.data(); // {_comment(t)}" for k, t in _results(signature)]
    return "\n".join(lines)


def _kotlin(file: str, name: str, signature: dict) -> str:
    lines = ["import java.nio.*", "import java.util.Random", "import org.tensorflow.lite.Interpreter", ""]
    lines += ["val random = Random()", f'val interpreter = Interpreter(java.io.File("{file}"))']
    buffer = lambda t: "IntBuffer" if _is_int(t) else "FloatBuffer"
    lines += ["val inputs = mutableMapOf<String, Any>("]
    for k, t in signature["inputs"].items():
        numbers = {
            "normal": f"FloatBuffer.wrap(FloatArray({_count(t)}) {{ random.nextGaussian().toFloat() }})",
            "uniform": f"FloatBuffer.wrap(FloatArray({_count(t)}) {{ random.nextFloat(){_spread(t, 'f')} }})",
        }.get(t["law"], f"{buffer(t)}.allocate({_count(t)})")
        lines += [f'    "{k}" to {numbers}, // {_comment(t)}']
    lines += [")", "val outputs = mutableMapOf<String, Any>("]
    lines += [
        f'    "{k}" to {buffer(t)}.allocate({_count(t)}), // {_comment(t)}' for k, t in signature["outputs"].items()
    ]
    lines += [")"]
    if free := {k: t for k, t in signature["inputs"].items() if None in t["shape"]}:  # buffers have no shape
        lines += [
            f'interpreter.resizeInput(interpreter.getInputIndex("{name}_{k}:0"), '
            f"intArrayOf({', '.join(map(str, t['example_shape']))}))"
            for k, t in free.items()
        ]
        lines += ["interpreter.allocateTensors()"]
    lines += [f'interpreter.runSignature(inputs, outputs, "{name}")']
    for a, b in signature["state"].items():
        kind = buffer(signature["inputs"][a])
        again = f"{kind}.allocate({_count(signature['inputs'][a])})"
        lines += [f'inputs["{a}"] = (outputs["{b}"] as {kind}).rewind(); outputs["{b}"] = {again} // for the next call']
    return "\n".join(lines)


def _swift(file: str, name: str, signature: dict) -> str:
    lines = ["import Foundation", "import TensorFlowLite", ""]
    lines += [
        f'let interpreter = try Interpreter(modelPath: "{file}")',
        f'let runner = try interpreter.signatureRunner(with: "{name}")',
    ]
    if any(t["law"] == "normal" for t in signature["inputs"].values()):
        lines += [
            "func u() -> Float { Float.random(in: 0..<1) }",
            "func normal() -> Float { sqrt(-2 * log(1 - u())) * cos(2 * .pi * u()) }",
        ]
    if any(None in t["shape"] for t in signature["inputs"].values()):
        lines += [
            f'try runner.resizeInput(named: "{k}", toShape: Tensor.Shape({list(t["example_shape"])}))'
            for k, t in signature["inputs"].items()
        ]
    lines += ["try runner.allocateTensors()"]
    for k, t in signature["inputs"].items():
        numbers = {
            "normal": f"(0..<{_count(t)}).map {{ _ in normal() }}",
            "uniform": f"(0..<{_count(t)}).map {{ _ in Float.random(in: {_ends(t)[0]:g}..<{_ends(t)[1]:g}) }}",
        }.get(t["law"], f"[{'Int32' if _is_int(t) else 'Float'}](repeating: 0, count: {_count(t)})")
        lines += [f"let {k} = {numbers} // {_comment(t)}"]
        lines += [f'try runner.copy({k}.withUnsafeBytes {{ Data($0) }}, toInputNamed: "{k}")']
    lines += ["try runner.invoke()"]
    lines += [
        f'try runner.copy(runner.output(named: "{b}").data, toInputNamed: "{a}") // for the next call'
        for a, b in signature["state"].items()
    ]
    for k, t in _results(signature):
        kind = "Int32" if _is_int(t) else "Float"
        lines += [f'let {k}_bytes = try runner.output(named: "{k}").data // {_comment(t)}']
        lines += [f"let {k}_out = {k}_bytes.withUnsafeBytes {{ Array($0.bindMemory(to: {kind}.self)) }}"]
    return "\n".join(lines)


def _cpp(file: str, name: str, signature: dict) -> str:
    lines = [
        "#include <algorithm>",
        "#include <memory>",
        "#include <random>",
        '#include "tflite/interpreter_builder.h"',
        '#include "tflite/kernels/register.h"',
    ]
    lines += ['#include "tflite/model_builder.h"', "", "std::mt19937 bits{std::random_device{}()};"]
    lines += [f'auto model = tflite::FlatBufferModel::BuildFromFile("{file}");']
    lines += ["tflite::ops::builtin::BuiltinOpResolver resolver;", "std::unique_ptr<tflite::Interpreter> interpreter;"]
    lines += [
        "tflite::InterpreterBuilder(*model, resolver)(&interpreter);",
        f'auto* run = interpreter->GetSignatureRunner("{name}");',
    ]
    lines += [
        f'run->ResizeInputTensor("{k}", {{{", ".join(map(str, t["example_shape"]))}}});'
        for k, t in signature["inputs"].items()
        if None in t["shape"]
    ]
    lines += ["run->AllocateTensors();"]
    for k, t in signature["inputs"].items():
        kind = "int32_t" if _is_int(t) else "float"
        place = f'reinterpret_cast<{kind}*>(run->input_tensor("{k}")->data.raw)'
        law = {
            "normal": "std::normal_distribution<float> d; return d(bits);",
            "uniform": f"std::uniform_real_distribution<float> d({_ends(t)[0]:g}, {_ends(t)[1]:g}); return d(bits);",
        }.get(t["law"])
        fill = (
            f"std::generate_n({place}, {_count(t)}, [&] {{ {law} }});"
            if law
            else f"std::fill_n({place}, {_count(t)}, 0);"
        )
        lines += [f"{fill}  // {_comment(t)}"]
    lines += ["run->Invoke();"]
    for k, t in _results(signature):
        kind = "int32_t" if _is_int(t) else "float"
        lines += [
            f'const auto* {k} = reinterpret_cast<const {kind}*>(run->output_tensor("{k}")->data.raw);  // {_comment(t)}'
        ]
    for a, b in signature["state"].items():
        lines += [f'const auto* next_{a} = run->output_tensor("{b}");  // for the next call']
        lines += [f'std::copy_n(next_{a}->data.raw, next_{a}->bytes, run->input_tensor("{a}")->data.raw);']
    return "\n".join(lines)
