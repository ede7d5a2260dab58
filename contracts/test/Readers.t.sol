// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Cbor} from "../src/lib/Cbor.sol";
import {DeviceKeys} from "../src/lib/DeviceKeys.sol";
import {Pieces} from "../src/lib/Pieces.sol";
import {Reports} from "../src/lib/Reports.sol";
import {Verdicts} from "../src/lib/Verdicts.sol";
import {Game} from "./Game.sol";

/// @notice What the readers refuse: a proof that cannot be read decides nothing.
contract ReadersTest is Game {
    function setUp() public {
        load();
    }

    function readVerdict(bytes memory output) external pure returns (Verdicts.Output memory) {
        return Verdicts.read(output);
    }

    function readReport(bytes memory report) external pure returns (Reports.Signed memory) {
        return Reports.read(report);
    }

    function forged(Reports.Signed memory s) external view returns (bool) {
        return Reports.forged(s);
    }

    function opens(bytes memory bundle, uint256 n) external view returns (bool) {
        return Pieces.opens(bundle, n);
    }

    function head(bytes memory data, uint8 major) external pure returns (uint256) {
        return Cbor.head(Cbor.reader(data), major);
    }

    function skip(bytes memory data) external pure {
        Cbor.skipInteger(Cbor.reader(data));
    }

    function liftY(bytes memory key_) external view returns (bytes32, bool) {
        return DeviceKeys.liftY(key_);
    }

    function test_an_output_is_read_as_it_was_written() public view {
        Verdicts.Output memory out = Verdicts.read(get("output", 1));
        vm.assertEq(uint256(out.verdict), 0);
        vm.assertEq(out.scorePpm, 1_000_001);
        vm.assertEq(uint256(out.replayKey) >> 248, 2);
        vm.assertEq(uint256(out.cell), 0x8c1fb46741ae9ff);
        vm.assertEq(uint256(Verdicts.verdictOf(get("output", 4))), 1);
        vm.assertEq(Reports.at_(get("bundle", 0), 0).receivedMs, 1_790_000_000_300);
        vm.assertEq(Reports.at_(get("bundle", 0), 1).receivedMs, 1_790_000_000_400);
    }

    function test_an_output_that_is_cut_or_longer_is_refused() public {
        bytes memory output = get("output", 0);
        for (uint256 length = 0; length < output.length; ++length) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = output[i];
            }
            vm.expectRevert();
            this.readVerdict(cut);
        }
        vm.expectRevert();
        this.readVerdict(bytes.concat(output, hex"00"));
    }

    function test_heads_have_one_form() public {
        vm.assertEq(this.head(hex"17", 0), 23);
        vm.assertEq(this.head(hex"1818", 0), 24);
        vm.assertEq(this.head(hex"190100", 0), 256);
        vm.assertEq(this.head(hex"1a00010000", 0), 65_536);
        vm.assertEq(this.head(hex"1b0000000100000000", 0), 1 << 32);
        bytes[4] memory long =
            [bytes(hex"1817"), hex"1900ff", hex"1a0000ffff", hex"1b00000000ffffffff"];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Cbor.NotShortest.selector, 0));
            this.head(long[i], 0);
        }
        vm.expectRevert(abi.encodeWithSelector(Cbor.HeadInfo.selector, 0, uint8(28)));
        this.head(hex"1c", 0);
        vm.expectRevert(abi.encodeWithSelector(Cbor.MajorType.selector, 0, uint8(4), uint8(0)));
        this.head(hex"80", 0);
        vm.expectRevert(abi.encodeWithSelector(Cbor.Truncated.selector, 1, 2));
        this.head(hex"18", 0);
        this.skip(hex"20");
        vm.expectRevert(abi.encodeWithSelector(Cbor.Truncated.selector, 0, 1));
        this.skip("");
    }

    function test_a_report_has_its_fields_once_and_in_order() public {
        bytes[5] memory bad = [
            bytes(hex"1200120012"),
            hex"1a001200",
            hex"120501",
            hex"15000000",
            hex"10ffffffffffffffffffff01"
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectRevert();
            this.readReport(bad[i]);
        }
    }

    /// @dev "I cannot read this signature" is not "this is forged".
    function test_a_signature_that_is_not_der_decides_nothing() public {
        Reports.Signed memory s = Reports.read(Reports.at_(get("bundle", 0), 0).report);
        vm.assertTrue(!Reports.forged(s));
        bytes memory der = s.signature;
        bytes[6] memory bad = [
            bytes(""),
            bytes.concat(der, hex"00"),
            hex"3006020100020180",
            hex"300602010003010a",
            hex"3008020200010202000a",
            hex"30080201010202000a00"
        ];
        for (uint256 i = 0; i < 6; ++i) {
            s.signature = bad[i];
            vm.expectRevert();
            this.forged(s);
        }
        // r and s of 1 are DER, and nobody's signature
        s.signature = hex"3006020101020101";
        vm.assertTrue(this.forged(s));
        s.signature = hex"3006020100020101";
        vm.assertTrue(this.forged(s));
        // an ed25519 key is for the quorum
        s.publicKey = abi.encodePacked(uint8(1), keccak256("k"));
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyTypeUnsupported.selector, uint8(1)));
        this.forged(s);
    }

    function test_a_key_whose_x_has_no_point_signs_nothing() public {
        // 5 is not the x of any point of secp256k1
        (, bool onCurve) = this.liftY(abi.encodePacked(uint8(3), uint8(2), uint256(5)));
        vm.assertTrue(!onCurve);
        (, onCurve) = this.liftY(abi.encodePacked(uint8(3), uint8(4), uint256(1)));
        vm.assertTrue(!onCurve);
        (, onCurve) = this.liftY(abi.encodePacked(uint8(0), type(uint256).max));
        vm.assertTrue(!onCurve);
        Reports.Signed memory s = Reports.read(Reports.at_(get("bundle", 0), 1).report);
        s.publicKey = abi.encodePacked(uint8(3), uint8(2), uint256(5));
        vm.assertTrue(this.forged(s));
    }

    function testFuzz_the_lifted_point_is_the_keys(uint256 secret) public view {
        secret = 1 + secret % (1 << 250);
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        uint256 p = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
        (bytes32 lifted, bool onCurve) = DeviceKeys.liftY(abi.encodePacked(uint8(0), x));
        vm.assertTrue(onCurve);
        vm.assertEq(uint256(lifted), y < p - y ? y : p - y);
    }

    function test_openings_of_another_shape_are_refused() public {
        bytes memory bundle = get("bundle", 2);
        vm.assertTrue(this.opens(bundle, 0));
        vm.assertTrue(!this.opens(get("bundle", 3), 0));
        vm.expectRevert();
        this.opens(bundle, 1);
        bytes memory other = bytes.concat(bundle);
        // the piece's prefix
        other[8] ^= 0x01;
        vm.expectRevert();
        this.opens(other, 0);
        // the head of the last sibling
        other = bytes.concat(bundle);
        other[bundle.length - 33] = 0x21;
        vm.expectRevert();
        this.opens(other, 0);
    }

    function slice(bytes memory data, uint256 from, uint256 to)
        internal
        pure
        returns (bytes memory out)
    {
        out = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            out[i - from] = data[i];
        }
    }

    /// @dev Two openings, the second one broken: each is judged by itself.
    function test_any_opening_of_a_sample_is_found() public view {
        (bytes memory good, bytes memory bad) = (get("bundle", 2), get("bundle", 3));
        // heads, the piece's name, the form; then an array of one
        vm.assertEq(uint256(uint8(good[50])), 0x81);
        bytes memory both = bytes.concat(
            slice(good, 0, 50), hex"82", slice(good, 51, good.length), slice(bad, 51, bad.length)
        );
        vm.assertTrue(this.opens(both, 0));
        vm.assertTrue(!this.opens(both, 1));
    }
}
