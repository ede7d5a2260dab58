// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Cbor
/// @notice Reads deterministic CBOR (RFC 8949 §4.2) of a known shape, as
/// `client/device-proofs/src/cbor.rs` writes it: integers, byte strings, arrays, maps; shortest heads
/// only. What is not that shape reverts: then a proof says nothing here, and a quorum must judge.
library Cbor {
    /// @notice Bytes and how far they were read.
    struct Reader {
        bytes data;
        uint256 next;
    }

    uint8 internal constant UINT = 0;
    uint8 internal constant NEGATIVE = 1;
    uint8 internal constant BYTES = 2;
    uint8 internal constant ARRAY = 4;
    uint8 internal constant MAP = 5;

    error Prefix(bytes32 got, bytes32 expected);
    error Truncated(uint256 got, uint256 expected);
    error NotShortest(uint256 place);
    error MajorType(uint256 place, uint8 got, uint8 expected);
    error HeadInfo(uint256 place, uint8 got);
    error Value(uint256 place, uint256 got, uint256 expected);

    /// @notice Starts at the first byte.
    function reader(bytes memory data) internal pure returns (Reader memory) {
        return Reader(data, 0);
    }

    /// @notice Starts behind a prefix: heads, keys and versions that can only be these bytes.
    /// @param length Bytes of the prefix; `expected` is zero behind them.
    function after_(bytes memory data, bytes32 expected, uint256 length)
        internal
        pure
        returns (Reader memory)
    {
        require(data.length >= length, Truncated(data.length, length));
        bytes32 got;
        assembly ("memory-safe") {
            let shift := shl(3, sub(32, length))
            got := shl(shift, shr(shift, mload(add(data, 32))))
        }
        require(got == expected, Prefix(got, expected));
        return Reader(data, length);
    }

    /// @notice Reads a head of one major type: a number, a length or a count.
    function head(Reader memory r, uint8 major) internal pure returns (uint256 value) {
        (bytes memory data, uint256 place) = (r.data, r.next);
        // places are below 2^64 in memory that was paid for: nothing here can wrap
        unchecked {
            require(place < data.length, Truncated(data.length, place + 1));
            uint256 rest;
            assembly ("memory-safe") {
                rest := mload(add(add(data, 32), place))
            }
            // forge-lint: disable-next-line(unsafe-typecast) one byte is left
            uint8 first = uint8(rest >> 248);
            require(first >> 5 == major, MajorType(place, first >> 5, major));
            uint256 info = first & 0x1f;
            if (info < 24) {
                r.next = place + 1;
                return info;
            }
            // forge-lint: disable-next-line(unsafe-typecast) five bits
            require(info < 28, HeadInfo(place, uint8(info)));
            uint256 width = uint256(1) << (info - 24);
            r.next = place + 1 + width;
            require(r.next <= data.length, Truncated(data.length, r.next));
            value = (rest << 8) >> (256 - 8 * width);
            // what fits into half the width (or into the head) must stand there
            uint256 least = width == 1 ? 24 : uint256(1) << (4 * width);
            require(value >= least, NotShortest(place));
        }
    }

    /// @notice Reads a number.
    function number(Reader memory r) internal pure returns (uint256) {
        return head(r, UINT);
    }

    /// @notice Reads a number that can only be this one: a map key, a version.
    function exactly(Reader memory r, uint256 expected) internal pure {
        uint256 place = r.next;
        uint256 got = head(r, UINT);
        require(got == expected, Value(place, got, expected));
    }

    /// @notice Reads the head of an array or a map that can only have this many items.
    function tuple(Reader memory r, uint8 major, uint256 expected) internal pure {
        uint256 place = r.next;
        uint256 got = head(r, major);
        require(got == expected, Value(place, got, expected));
    }

    /// @notice Passes over an integer of either sign.
    function skipInteger(Reader memory r) internal pure {
        require(r.next < r.data.length, Truncated(r.data.length, r.next + 1));
        head(r, uint8(r.data[r.next]) >> 5 == NEGATIVE ? NEGATIVE : UINT);
    }

    /// @notice Passes over a byte string.
    /// @return start Where its bytes begin in the data.
    /// @return length How many there are.
    function span(Reader memory r) internal pure returns (uint256 start, uint256 length) {
        length = head(r, BYTES);
        start = r.next;
        uint256 end_ = start + length;
        require(end_ <= r.data.length, Truncated(r.data.length, end_));
        r.next = end_;
    }

    /// @notice Reads a byte string.
    function bytes_(Reader memory r) internal pure returns (bytes memory out) {
        (uint256 start, uint256 length) = span(r);
        out = new bytes(length);
        bytes memory data = r.data;
        assembly ("memory-safe") {
            mcopy(add(out, 32), add(add(data, 32), start), length)
        }
    }

    /// @notice Reads a byte string of 32 bytes.
    function word(Reader memory r) internal pure returns (bytes32 out) {
        uint256 place = r.next;
        (uint256 start, uint256 length) = span(r);
        require(length == 32, Value(place, length, 32));
        bytes memory data = r.data;
        assembly ("memory-safe") {
            out := mload(add(add(data, 32), start))
        }
    }

    /// @notice Nothing may follow.
    function end(Reader memory r) internal pure {
        require(r.next == r.data.length, Truncated(r.next, r.data.length));
    }
}
