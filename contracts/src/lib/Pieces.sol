// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cbor} from "./Cbor.sol";
import {Sha254} from "./Sha254.sol";

/// @title Pieces
/// @notice Openings of a Filecoin piece in an evidence bundle of kind 3
/// (`client/device-proofs/src/commp.rs`), and the piece's name, `PieceCIDv2` of FRC-0069
/// (`client/device-proofs/src/piece.rs`).
library Pieces {
    using Cbor for Cbor.Reader;

    /// @dev A map of four, 0: bundle version 1, 1: kind 3 (a sample of a piece), 2: its name.
    bytes32 private constant PREFIX = bytes32(bytes6(0xa40001010302));
    uint256 private constant FORM_OPENINGS = 1;
    /// @dev 01 55 9120: CIDv1, raw, fr32-sha2-256-trunc254-padded-binary-tree.
    bytes4 private constant CID_PREFIX = 0x01559120;
    /// @dev Longest path, as `PDPVerifier` takes it (`MAX_PIECE_SIZE_LOG2`).
    uint256 private constant MAX_HEIGHT = 50;

    /// @dev Head of a byte string of 32 bytes, and the distance from one to the next.
    uint256 private constant HASH_HEAD = 0x5820;
    uint256 private constant STRIDE = 34;

    error NotAPiece(uint256 length);

    /// @notice Whether opening n of a sample leads to the root that the piece's name has: rules C6 and
    /// C8 of the check `storage-commp`, and the index inside the tree, which C5 demands at least.
    function opens(bytes memory bundle, uint256 n) internal view returns (bool) {
        Cbor.Reader memory r = Cbor.after_(bundle, PREFIX, 6);
        (uint256 height, bytes32 root) = _piece(r);
        r.exactly(3);
        r.tuple(Cbor.ARRAY, 2);
        r.exactly(FORM_OPENINGS);
        uint256 count = r.head(Cbor.ARRAY);
        require(n < count, Cbor.Value(r.next, n, count));
        for (uint256 i = 0; i < n; ++i) {
            _skip(r);
        }
        return _leads(r, height, root);
    }

    function _leads(Cbor.Reader memory r, uint256 height, bytes32 root)
        private
        view
        returns (bool)
    {
        r.tuple(Cbor.ARRAY, 3);
        uint256 index = r.number();
        bytes32 leaf = r.word();
        uint256 siblings = r.head(Cbor.ARRAY);
        if (siblings != height || index >> height != 0) return false;
        // every sibling is a head of two bytes and a hash
        uint256 next = r.next + siblings * STRIDE;
        require(next <= r.data.length, Cbor.Truncated(r.data.length, next));
        (bytes memory data, uint256 first) = (r.data, r.next);
        bool heads = true;
        assembly ("memory-safe") {
            first := add(add(data, 32), first)
            let last := add(first, mul(siblings, STRIDE))
            for { let place := first } lt(place, last) { place := add(place, STRIDE) } {
                heads := and(heads, eq(shr(240, mload(place)), HASH_HEAD))
            }
        }
        require(heads, NotAPiece(next));
        return Sha254.foldAt(leaf, index, first + 2, siblings, STRIDE) == root;
    }

    function _skip(Cbor.Reader memory r) private pure {
        r.tuple(Cbor.ARRAY, 3);
        r.number();
        r.word();
        uint256 siblings = r.head(Cbor.ARRAY);
        for (uint256 i = 0; i < siblings; ++i) {
            r.word();
        }
    }

    /// @dev The root is the name's last 32 bytes, the height the byte before them. A name that is no
    /// piece's breaks rule C1, which is not decided here.
    function _piece(Cbor.Reader memory r) private pure returns (uint256 height, bytes32 root) {
        bytes memory cid = r.bytes_();
        uint256 length = cid.length;
        // forge-lint: disable-next-line(unsafe-typecast) a prefix is what stands first
        require(length >= 39 && bytes4(cid) == CID_PREFIX, NotAPiece(length));
        require(uint8(cid[4]) == length - 5, NotAPiece(length));
        height = uint8(cid[length - 33]);
        require(height <= MAX_HEIGHT, NotAPiece(length));
        assembly ("memory-safe") {
            root := mload(add(cid, length))
        }
    }
}
