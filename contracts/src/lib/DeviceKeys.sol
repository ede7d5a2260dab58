// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title DeviceKeys
/// @notice Device keys in the binary form of the network, and their signatures, as
/// `client/device-proofs/src/keys.rs` defines them: network and type byte, then the key.
/// @dev P-256 goes to the precompile at 0x100 (EIP-7951) where the chain has it, else to
/// OpenZeppelin's Solidity code: some 200,000 gas more, the same answer.
library DeviceKeys {
    /// @notice Key types, as the network numbers them.
    uint8 internal constant P256_COMPACT = 0;
    uint8 internal constant ED25519 = 1;
    uint8 internal constant SECP256K1 = 3;
    /// @notice The network's bits of the first byte: 0 main, 0x10 test.
    bytes1 internal constant NETWORK_TEST = 0x10;

    /// @dev Half the order of secp256k1: a larger s is the malleable twin (EIP-2).
    uint256 internal constant SECP256K1_HALF_N =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant SECP256K1_P =
        0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    /// @dev Half the order of P-256. Both twins are taken, as upstream takes them: no signature is
    /// used as an identifier here.
    uint256 private constant P256_HALF_N =
        0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8;

    error KeyLength(uint256 got, uint256 expected);
    error KeyTypeUnsupported(uint8 got);
    error KeyNetwork(uint8 got);

    /// @notice The key's type; reverts unless the bytes have the form of one that a device may have.
    function typeOf(bytes memory key) internal pure returns (uint8 keyType) {
        require(key.length != 0, KeyLength(0, 33));
        uint8 first = uint8(key[0]);
        require(first & 0xe0 == 0, KeyNetwork(first));
        keyType = first & 0x0f;
        if (keyType == SECP256K1) {
            require(key.length == 34, KeyLength(key.length, 34));
        } else {
            require(keyType == P256_COMPACT || keyType == ED25519, KeyTypeUnsupported(keyType));
            require(key.length == 33, KeyLength(key.length, 33));
        }
    }

    /// @notice Id of the device that has this key.
    function idOf(bytes memory key) internal pure returns (bytes32) {
        return keccak256(key);
    }

    /// @notice Id under which the same key would stand with the other network's first byte.
    function twinOf(bytes memory key) internal pure returns (bytes32) {
        bytes memory twin = bytes.concat(key);
        twin[0] ^= NETWORK_TEST;
        return keccak256(twin);
    }

    /// @notice Whether (r, s) is the key's signature of a digest. `y` is the key's second coordinate,
    /// which the compact and the compressed form leave out; a wrong one is refused.
    function verify(bytes memory key, bytes32 digest, bytes32 r, bytes32 s, bytes32 y)
        internal
        view
        returns (bool)
    {
        uint8 keyType = typeOf(key);
        bytes32 x = _word(key, keyType == SECP256K1 ? 2 : 1);
        if (keyType == P256_COMPACT) {
            // a compact key stands for the point with the smaller y
            if (uint256(y) > P256.P / 2) return false;
            if (uint256(s) > P256_HALF_N && uint256(s) < P256.N) s = bytes32(P256.N - uint256(s));
            return P256.verify(digest, r, s, x, y);
        }
        require(keyType == SECP256K1, KeyTypeUnsupported(keyType));
        return uint8(key[1]) == 2 + uint8(uint256(y) & 1) && _secp256k1(digest, r, s, x, y);
    }

    /// @notice The second coordinate of a P-256 or secp256k1 key.
    /// @return y The coordinate that the key's form stands for.
    /// @return onCurve False if no point has this x: then the bytes are no key.
    function liftY(bytes memory key) internal view returns (bytes32 y, bool onCurve) {
        uint8 keyType = typeOf(key);
        require(keyType != ED25519, KeyTypeUnsupported(keyType));
        bool compact = keyType == P256_COMPACT;
        uint256 p = compact ? P256.P : SECP256K1_P;
        uint256 x = uint256(_word(key, compact ? 1 : 2));
        if (x >= p) return (0, false);
        // y² = x³ + ax + b; both primes are 3 mod 4, so a root is the (p + 1) / 4th power
        uint256 square = mulmod(mulmod(x, x, p), x, p);
        square = compact
            ? addmod(addmod(square, mulmod(P256.A, x, p), p), P256.B, p)
            : addmod(square, 7, p);
        uint256 root = _power(square, (p >> 2) + 1, p);
        if (mulmod(root, root, p) != square) return (0, false);
        uint256 other = p - root;
        if (compact) return (bytes32(root < other ? root : other), true);
        uint8 form = uint8(key[1]);
        if (form != 2 && form != 3) return (0, false);
        return (bytes32(root & 1 == form & 1 ? root : other), true);
    }

    /// @dev `ecrecover` gives the address of a point; hashing (x, y) binds it to the key's x.
    function _secp256k1(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        private
        pure
        returns (bool)
    {
        if (uint256(s) > SECP256K1_HALF_N) return false;
        address expected = address(uint160(uint256(keccak256(abi.encode(x, y)))));
        return expected != address(0)
            && (ecrecover(digest, 27, r, s) == expected || ecrecover(digest, 28, r, s) == expected);
    }

    function _word(bytes memory key, uint256 skip) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(key, 32), skip))
        }
    }

    /// @dev The modexp precompile (EIP-198).
    function _power(uint256 base, uint256 exponent, uint256 modulus)
        private
        view
        returns (uint256)
    {
        (bool ok, bytes memory out) = address(5)
            .staticcall(abi.encode(uint256(32), uint256(32), uint256(32), base, exponent, modulus));
        return ok && out.length == 32 ? abi.decode(out, (uint256)) : 0;
    }
}
