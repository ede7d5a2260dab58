// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cbor} from "./Cbor.sol";
import {DeviceKeys} from "./DeviceKeys.sol";

/// @title Reports
/// @notice Device reports in an evidence bundle of kind 1, version 1: the bundle is
/// `client/device-proofs/src/bundle.rs`, a report is protobuf as in `wire.rs`, signed over itself
/// with the signature left out (`report.rs`).
library Reports {
    using Cbor for Cbor.Reader;

    /// @notice One report as it was received.
    struct Received {
        /// Milliseconds since 1970, as the gateway says.
        uint256 receivedMs;
        bytes report;
    }

    /// @notice What of a report names and shows its sender.
    struct Signed {
        bytes publicKey;
        bytes signature;
        /// sha256 of what is signed.
        bytes32 digest;
    }

    /// @dev A map of five, 0: bundle version 1, 1: kind 1 (Helium proof of coverage), 2: an array of
    /// three, the entropy.
    bytes32 private constant PREFIX = bytes32(bytes7(0xa5000101010283));
    /// @dev Field numbers, the same in beacon and witness reports.
    uint256 private constant FIELD_KEY = 2;
    uint256 private constant FIELD_SIGNATURE = 11;

    error Field(uint256 place, uint256 got);
    error NotDer(uint256 place, uint256 got);

    /// @notice Report n of a bundle: 0 is the beacon, n the witness n − 1.
    function at_(bytes memory bundle, uint256 n) internal pure returns (Received memory) {
        Cbor.Reader memory r = Cbor.after_(bundle, PREFIX, 7);
        r.span();
        r.number();
        r.number();
        r.exactly(3);
        if (n == 0) return _received(r);
        _skip(r);
        r.exactly(4);
        uint256 count = r.head(Cbor.ARRAY);
        require(n <= count, Cbor.Value(r.next, n, count));
        for (uint256 i = 1; i < n; ++i) {
            _skip(r);
        }
        return _received(r);
    }

    /// @notice Takes a report apart. Fields are numbers or byte strings, each number once.
    function read(bytes memory report) internal pure returns (Signed memory out) {
        uint256 next;
        uint256 last;
        bytes memory signed_ = report;
        while (next < report.length) {
            uint256 start = next;
            uint256 tag;
            (tag, next) = _varint(report, next);
            require(tag >> 3 > last, Field(start, tag));
            last = tag >> 3;
            uint256 value;
            (value, next) = _varint(report, next);
            if (tag & 7 == 0) continue;
            require(tag & 7 == 2 && next + value <= report.length, Field(start, tag));
            if (last == FIELD_KEY) out.publicKey = _slice(report, next, value);
            if (last == FIELD_SIGNATURE) {
                out.signature = _slice(report, next, value);
                uint256 rest = next + value;
                signed_ = bytes.concat(
                    _slice(report, 0, start), _slice(report, rest, report.length - rest)
                );
            }
            next += value;
        }
        out.digest = sha256(signed_);
    }

    /// @notice Whether the report is not signed by the key that it names. Only for key types that the
    /// EVM can check, and for signatures that are DER at all: anything else reverts, since "I cannot
    /// read this" proves nothing.
    function forged(Signed memory s) internal view returns (bool) {
        (bytes32 r, bytes32 sig) = _der(s.signature);
        (bytes32 y, bool onCurve) = DeviceKeys.liftY(s.publicKey);
        return !onCurve || !DeviceKeys.verify(s.publicKey, s.digest, r, sig, y);
    }

    function _received(Cbor.Reader memory r) private pure returns (Received memory) {
        r.tuple(Cbor.ARRAY, 2);
        uint256 receivedMs = r.number();
        return Received(receivedMs, r.bytes_());
    }

    function _skip(Cbor.Reader memory r) private pure {
        r.tuple(Cbor.ARRAY, 2);
        r.number();
        r.span();
    }

    function _varint(bytes memory data, uint256 place)
        private
        pure
        returns (uint256 value, uint256 next)
    {
        next = place;
        for (uint256 shift = 0; shift < 70; shift += 7) {
            require(next < data.length, Field(place, next));
            uint256 byte_ = uint8(data[next]);
            ++next;
            value |= (byte_ & 0x7f) << shift;
            if (byte_ < 0x80) return (value, next);
        }
        revert Field(place, next);
    }

    /// @dev SEQUENCE of two positive INTEGERs of at most 32 bytes, and nothing more.
    function _der(bytes memory der) private pure returns (bytes32 r, bytes32 s) {
        require(der.length >= 8, NotDer(0, der.length));
        require(der[0] == 0x30 && uint8(der[1]) == der.length - 2, NotDer(1, uint8(der[1])));
        uint256 next;
        (r, next) = _integer(der, 2);
        (s, next) = _integer(der, next);
        require(next == der.length, NotDer(next, der.length));
    }

    function _integer(bytes memory der, uint256 place)
        private
        pure
        returns (bytes32 value, uint256 next)
    {
        require(place + 2 < der.length && der[place] == 0x02, NotDer(place, der.length));
        uint256 length = uint8(der[place + 1]);
        uint256 start = place + 2;
        next = start + length;
        require(length != 0 && next <= der.length && der[start] < 0x80, NotDer(place, length));
        if (der[start] == 0) {
            // the zero is there only where the next bit is set
            require(length == 1 || der[start + 1] >= 0x80, NotDer(start, length));
            ++start;
            --length;
        }
        require(length <= 32, NotDer(place, length));
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, length)), mload(add(add(der, 32), start)))
        }
    }

    function _slice(bytes memory data, uint256 start, uint256 length)
        private
        pure
        returns (bytes memory out)
    {
        out = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(out, 32), add(add(data, 32), start), length)
        }
    }
}
