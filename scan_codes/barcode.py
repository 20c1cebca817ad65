"""Code 128, set C (ISO/IEC 15417): which bars say a row of digits. Two digits take one symbol.

For laser scanners that cannot read a QR code. 20 digits take 145 modules and two quiet zones of ten.
"""

QUIET_ZONE_MODULES = 10
_START_C = 105
_CHECK_MODULUS = 103
_STOP_WIDTHS = "2331112"

# Widths of bar, space, bar, space, bar, space for the values 0 … 105; each adds up to 11 modules.
_WIDTHS_LIST = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 "
    "221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 "
    "221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 "
    "212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 "
    "231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 "
    "231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 "
    "112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
    "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 "
    "114131 311141 411131 211412 211214 211232"
)
_WIDTHS = tuple(_WIDTHS_LIST.split())


def code128_modules(digits: str) -> str:
    """One character a module, "1" dark and "0" light, quiet zones included.

    Raises ValueError unless `digits` is an even number, 2 to 40, of ASCII digits.
    """
    if not (digits.isascii() and digits.isdigit() and len(digits) % 2 == 0 and len(digits) <= 40):
        raise ValueError("Code 128 C takes an even number of digits, 2 to 40")
    values = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    check = (_START_C + sum(weight * value for weight, value in enumerate(values, start=1))) % _CHECK_MODULUS
    widths = "".join(_WIDTHS[value] for value in (_START_C, *values, check)) + _STOP_WIDTHS
    bars = "".join("01"[index % 2 == 0] * int(width) for index, width in enumerate(widths))
    quiet = "0" * QUIET_ZONE_MODULES
    return f"{quiet}{bars}{quiet}"
