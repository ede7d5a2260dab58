// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheatcodes that these tests use.
interface Vm {
    function prank(address) external;
    function warp(uint256) external;
    function roll(uint256) external;
    /// The compiler may take `block.timestamp` for one value throughout a call; `warp` changes it.
    function getBlockTimestamp() external view returns (uint256);
    function deal(address, uint256) external;
    function assume(bool) external pure;
    function expectRevert(bytes calldata) external;
    function expectRevert() external;
    function expectEmit(address) external;
    function etch(address, bytes calldata) external;
    function startPrank(address) external;
    function stopPrank() external;
    function store(address, bytes32, bytes32) external;
    function readFile(string calldata) external view returns (string memory);
    function snapshotGasLastCall(string calldata, string calldata) external returns (uint256);
    function snapshotValue(string calldata, string calldata, uint256) external;
    function parseJsonBytes(string calldata, string calldata) external pure returns (bytes memory);
    function toString(uint256) external pure returns (string memory);
    function skip(bool) external;
    function load(address, bytes32) external view returns (bytes32);
    function getNonce(address) external view returns (uint64);
    function computeCreateAddress(address, uint256) external pure returns (address);
    function addr(uint256) external pure returns (address);
    function sign(uint256, bytes32) external pure returns (uint8, bytes32, bytes32);
    function signP256(uint256, bytes32) external pure returns (bytes32, bytes32);
    function publicKeyP256(uint256) external pure returns (uint256, uint256);
    function assertEq(uint256, uint256) external pure;
    function assertEq(bytes32, bytes32) external pure;
    function assertEq(address, address) external pure;
    function assertTrue(bool) external pure;
}

/// @notice What forge needs of a test contract, and no more.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;
    address[] private targets;

    function targetContract(address target) internal {
        targets.push(target);
    }

    function targetContracts() public view returns (address[] memory) {
        return targets;
    }

    /// @dev Where this contract's `ahead`-th creation from now will stand; 0 is the next.
    function next(uint256 ahead) internal view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + ahead);
    }

    /// @dev Slot of `mapping(bytes32 => …)` at `slot` for `key`, `offset` words in.
    function mapped(bytes32 key, uint256 slot, uint256 offset) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(key, slot))) + offset);
    }

    /// @dev `width` bits of a storage word, from `offset` up.
    function bits(uint256 word, uint256 offset, uint256 width) internal pure returns (uint256) {
        return (word >> offset) & (type(uint256).max >> (256 - width));
    }

    /// @dev Changes one bit.
    function flip(bytes memory data, uint256 bit) internal pure {
        data[bit / 8] ^= bytes1(0x80) >> (bit % 8);
    }
}
