// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {CheckRegistry} from "../src/CheckRegistry.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {RewardReserve} from "../src/RewardReserve.sol";
import {ServiceToken} from "../src/ServiceToken.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {MerkleTree} from "../src/lib/MerkleTree.sol";
import {RewardLeaf} from "../src/lib/RewardLeaf.sol";
import {RewardTree} from "../src/lib/RewardTree.sol";
import {Base} from "./Base.sol";
import {Trees, keccak} from "./Trees.sol";

/// @notice Settles epochs with reward trees of four accounts.
abstract contract Rewards is Base {
    bytes32 internal constant CHECK = keccak256("coverage-radio");
    bytes32 internal constant MODULE = keccak256("module");
    uint256 internal constant LANE = 15;
    ServiceToken internal token;
    SettlementLedger internal ledger;
    RewardDistributor internal distributor;
    RewardReserve internal reserve;
    bytes32 internal stream;

    function deploy() internal {
        vm.warp(1_000_000);
        vm.roll(1000);
        address manager = address(new AccessManager(address(this)));
        CheckRegistry checks = new CheckRegistry(manager, 3600);
        checks.pin(CHECK, MODULE, keccak256("params"), 1, 0);
        ledger = new SettlementLedger(manager, checks, 1 ether, 600);
        token = new ServiceToken(manager, next(1));
        distributor = new RewardDistributor(manager, token, ledger);
        reserve = new RewardReserve(manager, token, address(distributor), 1000 ether, 1 days);
        token.mint(address(reserve), 10_000 ether);
        stream = distributor.streamOf(CHECK, LANE);
        vm.deal(address(this), 1000 ether);
    }

    /// @dev Account n of an epoch has earned (n + 1) tokens an epoch.
    function leafOf(uint256 n, uint256 epoch) internal pure returns (RewardLeaf.Leaf memory leaf) {
        // forge-lint: disable-next-line(unsafe-typecast) small numbers
        leaf.account = address(uint160(0xacc0 + n));
        // forge-lint: disable-next-line(unsafe-typecast) small numbers
        leaf.previous = uint128((n + 1) * epoch * 1 ether);
        // forge-lint: disable-next-line(unsafe-typecast) small numbers
        leaf.scorePpm = uint64((n + 1) * 1_000_000);
        // forge-lint: disable-next-line(unsafe-typecast) small numbers
        leaf.cumulative = uint128((n + 1) * (epoch + 1) * 1 ether);
    }

    function tree(uint256 epoch) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](4);
        for (uint256 n = 0; n < 4; ++n) {
            leaves[n] = RewardLeaf.hash(leafOf(n, epoch));
        }
    }

    function roots(uint256 epoch) internal view returns (SettlementLedger.Roots memory r) {
        r.moduleHash = MODULE;
        r.anchorHash = blockhash(999);
        r.reward = Trees.root(tree(epoch), keccak);
    }

    function settle(uint64 epoch) internal {
        ledger.propose{value: 1 ether}(CHECK, LANE, epoch, 999, roots(epoch));
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, LANE, epoch, 1, roots(epoch));
        distributor.accept(CHECK, LANE, epoch, roots(epoch));
    }

    /// @dev The leaf's path is hashed before the refusal is expected: hashing is a call too.
    function refused(bytes memory refusal, uint256 n, uint256 epoch) internal {
        bytes memory proof = proofOf(n, epoch);
        vm.expectRevert(refusal);
        distributor.claim(stream, proof);
    }

    function proofOf(uint256 n, uint256 epoch) internal pure returns (bytes memory) {
        bytes32[] memory path = Trees.path(tree(epoch), n, keccak);
        return Trees.pack(leafOf(n, epoch), n, 4, path);
    }

    function claim(uint256 n, uint256 epoch) internal {
        distributor.claim(stream, proofOf(n, epoch));
    }
}

/// @notice Claims at random, for the invariant test.
contract Claimers is Rewards {
    uint64 public epochs;

    constructor() {
        deploy();
        settle(0);
        epochs = 1;
    }

    function settleNext() external {
        settle(epochs++);
    }

    function release(uint256 amount) external {
        reserve.release(amount % 100 ether);
    }

    function claimAny(uint256 n, uint256 epoch) external {
        claim(n % 4, epoch % epochs);
    }

    /// @dev Whether what an account has is exactly what it was paid, and no more than it earned.
    function conserved() external view returns (bool) {
        uint256 paid;
        for (uint256 n = 0; n < 4; ++n) {
            address account = leafOf(n, 0).account;
            uint256 has = token.balanceOf(account);
            if (has != distributor.claimedOf(stream, account)) return false;
            if (has > leafOf(n, epochs - 1).cumulative) return false;
            paid += has;
        }
        uint256 left = token.balanceOf(address(distributor)) + token.balanceOf(address(reserve));
        return paid + left == 10_000 ether;
    }
}

contract RewardDistributorTest is Rewards {
    Claimers internal claimers;

    function setUp() public {
        deploy();
        reserve.release(100 ether);
        claimers = new Claimers();
        targetContract(address(claimers));
    }

    function test_cumulative_claims_pay_the_difference() public {
        settle(0);
        claim(1, 0);
        vm.assertEq(token.balanceOf(leafOf(1, 0).account), 2 ether);
        settle(1);
        settle(2);
        claim(1, 2);
        vm.assertEq(token.balanceOf(leafOf(1, 0).account), 6 ether);
        vm.assertEq(distributor.claimedOf(stream, leafOf(1, 0).account), 6 ether);
    }

    function test_nothing_is_claimed_twice() public {
        settle(0);
        claim(1, 0);
        refused(
            abi.encodeWithSelector(
                RewardDistributor.NothingToClaim.selector, leafOf(1, 0).account, 2 ether, 2 ether
            ),
            1,
            0
        );
    }

    function test_a_leaf_that_is_not_in_the_tree_is_refused() public {
        settle(0);
        RewardLeaf.Leaf memory leaf = leafOf(1, 0);
        bytes32[] memory path = Trees.path(tree(0), 1, keccak);
        leaf.cumulative += 1;
        bytes32 root = Trees.root(tree(0), keccak);
        bytes32 got = RewardTree.fold(RewardLeaf.hash(leaf), 1, 4, path);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotInTree.selector, got, root));
        distributor.claim(stream, Trees.pack(leaf, 1, 4, path));
        // a leaf of the next epoch is in another tree
        refused(
            abi.encodeWithSelector(
                RewardDistributor.NotInTree.selector, Trees.root(tree(1), keccak), root
            ),
            1,
            1
        );
    }

    function test_a_proof_of_another_length_is_refused() public {
        settle(0);
        bytes memory proof = proofOf(1, 0);
        for (uint256 length = 0; length < proof.length + 70; ++length) {
            if (length == proof.length) continue;
            bytes memory other = new bytes(length);
            for (uint256 i = 0; i < length && i < proof.length; ++i) {
                other[i] = proof[i];
            }
            vm.expectRevert();
            distributor.claim(stream, other);
        }
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.PathLength.selector, 1, 2));
        distributor.claim(stream, Trees.pack(leafOf(1, 0), 1, 4, new bytes32[](1)));
        distributor.claim(stream, proof);
    }

    /// @dev Under another count, or at another index, the leaf is not in the tree; and whatever bit is
    /// flipped, it is another proof.
    function testFuzz_a_leaf_has_one_place(uint64 index, uint64 count, uint16 bit) public {
        settle(0);
        bytes memory proof = proofOf(1, 0);
        bytes32[] memory path = Trees.path(tree(0), 1, keccak);
        _refused(Trees.pack(leafOf(1, 0), index, count, path), proof);
        _refused(Trees.pack(leafOf(1, 0), index % 8, count % 16, path), proof);
        bytes memory other = bytes.concat(proof);
        flip(other, bit % (proof.length * 8));
        _refused(other, proof);
    }

    function _refused(bytes memory other, bytes memory proof) private {
        if (keccak256(other) == keccak256(proof)) return;
        vm.expectRevert();
        distributor.claim(stream, other);
    }

    function test_a_root_that_is_not_final_is_refused() public {
        SettlementLedger.Roots memory r = roots(0);
        ledger.propose{value: 1 ether}(CHECK, LANE, 0, 999, r);
        bytes32 key = ledger.settlementKey(CHECK, LANE, 0);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotFinal.selector, key, uint8(1), uint8(2))
        );
        distributor.accept(CHECK, LANE, 0, r);
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, LANE, 0, 1, r);
        SettlementLedger.Roots memory other = roots(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardDistributor.CommitmentMismatch.selector,
                keccak256(abi.encode(other)),
                keccak256(abi.encode(r))
            )
        );
        distributor.accept(CHECK, LANE, 0, other);
        refused(abi.encodeWithSelector(RewardDistributor.NoRewards.selector, stream), 0, 0);
    }

    function test_an_older_root_is_refused_and_one_without_rewards() public {
        settle(3);
        SettlementLedger.Roots memory r = roots(3);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.EpochNotNewer.selector, uint64(3), uint64(4))
        );
        distributor.accept(CHECK, LANE, 3, r);
        r = roots(4);
        r.reward = 0;
        ledger.propose{value: 1 ether}(CHECK, LANE, 4, 999, r);
        vm.warp(block.timestamp + 601);
        ledger.finalize(CHECK, LANE, 4, 1, r);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NoRewards.selector, stream));
        distributor.accept(CHECK, LANE, 4, r);
    }

    function test_a_guardian_stops_a_stream_until_the_next_epoch() public {
        settle(0);
        distributor.stop(stream);
        refused(abi.encodeWithSelector(RewardDistributor.NoRewards.selector, stream), 0, 0);
        SettlementLedger.Roots memory again = roots(0);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.EpochNotNewer.selector, uint64(0), uint64(1))
        );
        distributor.accept(CHECK, LANE, 0, again);
        settle(1);
        claim(0, 1);
        vm.prank(address(0xbeef));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector, address(0xbeef)
            )
        );
        distributor.stop(stream);
    }

    function test_the_breaker_lets_so_much_through_per_window() public {
        reserve.release(900 ether);
        vm.expectRevert(
            abi.encodeWithSelector(RewardReserve.OverLimit.selector, 1000 ether + 1, 1000 ether)
        );
        reserve.release(1);
        vm.warp(block.timestamp + 1 days);
        reserve.release(1000 ether);
        reserve.setLimit(0, 1 hours);
        vm.warp(block.timestamp + 1 days);
        vm.expectRevert(abi.encodeWithSelector(RewardReserve.OverLimit.selector, 1, 0));
        reserve.release(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardReserve.OutOfBounds.selector, 1 hours - 1, 1 hours, 30 days
            )
        );
        reserve.setLimit(0, 1 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardReserve.OutOfBounds.selector, 30 days + 1, 1 hours, 30 days
            )
        );
        reserve.setLimit(0, 30 days + 1);
    }

    /// @dev The bytes that `contracts/bindings/src/reward.rs` writes, one for one.
    function test_leaf_bytes_are_those_of_the_bindings() public pure {
        bytes memory data =
            RewardLeaf.encode(RewardLeaf.Leaf(address(uint160(0xacc0)), 1, 2_000_000, 3 ether));
        vm.assertEq(
            keccak256(data),
            keccak256(
                hex"000000000000000000000000000000000000acc0" hex"00000000000000000000000000000001"
                hex"00000000001e8480" hex"000000000000000029a2241af62c0000"
            )
        );
    }

    function testFuzz_words_are_the_getters(uint8 n, uint8 epoch) public {
        epoch %= 20;
        settle(epoch);
        claim(n % 4, epoch);
        RewardDistributor.Stream memory s = distributor.streamAt(stream);
        vm.assertEq(vm.load(address(distributor), mapped(stream, 0, 0)), s.root);
        vm.assertEq(uint256(vm.load(address(distributor), mapped(stream, 0, 1))), s.nextEpoch);
        address account = leafOf(n % 4, 0).account;
        bytes32 slot = keccak256(abi.encode(uint256(uint160(account)), mapped(stream, 1, 0)));
        vm.assertEq(
            uint256(vm.load(address(distributor), slot)), distributor.claimedOf(stream, account)
        );
    }

    function invariant_nobody_has_more_than_they_earned() public view {
        vm.assertTrue(claimers.conserved());
    }
}
